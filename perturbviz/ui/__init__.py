"""The Streamlit code shared by the pages: charts, sidebar, caches, navigation."""
