"""The deep conjugate direction method: a network proposes directions of exact line searches."""
