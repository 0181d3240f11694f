"""The two parts that Streamlit lacks: an uploader that streams past Streamlit, and a player that can be steered."""
