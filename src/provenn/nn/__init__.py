"""Drop-in layers and their functional forms."""
