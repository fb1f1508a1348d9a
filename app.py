"""perturbviz. Run with ``streamlit run app.py``: the server imports this file once, every click executes it."""

import streamlit as st

if __name__ == "__main__":
    from perturbviz.ui import navigation

    page = navigation.run()
    from perturbviz.ui import choose, current, present, session  # seconds in a new process: the browser works meanwhile
    from perturbviz.ui.controls import sidebar

    choose.mend()
    session.begin(home=page.url_path in session.HOME)
    with st.spinner("Computing …", show_time=True):  # which shows where it takes half a second
        sidebar.draw()
        present.draw(page.url_path)
        page.run()
    current.finish()
else:
    from perturbviz.ui import server

    app = st.App(__file__, lifespan=server.lifespan, routes=server.routes(), middleware=server.MIDDLEWARE)
