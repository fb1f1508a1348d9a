"""perturbviz. Run with ``streamlit run app.py``: the server imports this file once, every click executes it."""

import streamlit as st

if __name__ == "__main__":
    from streamlit.runtime.scriptrunner import RerunException

    from perturbviz.ui import burst, choose, collector, navigation, present, session, settle
    from perturbviz.ui.controls import badge, sidebar
    from perturbviz.ui.current import PageEnd

    page = navigation.run()
    choose.mend()
    session.apply_deferred()
    session.adopt_link()
    sidebar.draw_data()
    settled = settle.settle()
    present.draw(page.url_path)
    early, overtaken = settle.opens_large(settled) or session.values_were_put(), False
    if early:
        sidebar.draw(settled)
    try:
        with burst.together():
            page.run()
    except PageEnd:  # with a sentence
        pass
    except RerunException:  # another run starts at once and draws the rest
        overtaken = True
        raise
    finally:  # also where a page fails
        if not overtaken:
            with burst.together():
                session.write_link()
                if not early:
                    sidebar.draw(settled)
                badge.finish()
        collector.settle()
else:
    from perturbviz.ui import server

    app = st.App(__file__, lifespan=server.lifespan, middleware=server.MIDDLEWARE)
