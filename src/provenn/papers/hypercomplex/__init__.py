"""What the page on hypercomplex networks measures and draws, apart from its claims."""
