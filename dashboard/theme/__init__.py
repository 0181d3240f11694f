"""Colours and Streamlit's theme."""
