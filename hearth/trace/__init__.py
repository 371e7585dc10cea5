"""Following things through the store: back to their sources, and down to what was made of them."""
