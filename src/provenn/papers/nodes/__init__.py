"""What pages that compare classifiers of nodes share: problems, peers, training and figures."""
