"""Components that Streamlit lacks: an uploader that streams past it, a steered player, lists and lines that follow."""
