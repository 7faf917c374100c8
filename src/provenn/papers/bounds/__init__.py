"""Networks, measurements and figures of the page on local Lipschitz constants."""
