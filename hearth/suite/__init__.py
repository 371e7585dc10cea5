"""Suite: the frozen, versioned set of lm-eval tasks that every model of a recipe is judged on."""
