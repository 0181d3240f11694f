"""The Streamlit dashboard: pages that load, choose and draw. No SQL, no statistics, no torch."""
