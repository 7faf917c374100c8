"""What the page of pdlt measures on random and on trained multilayer perceptrons."""
