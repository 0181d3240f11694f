"""Networks of emotion recipes: construction, pretrained weights, optimisers."""
