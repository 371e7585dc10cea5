"""What a document is, about what and from where: by rules that a recipe can replace."""
