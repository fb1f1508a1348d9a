"""perturbviz: the page menu and the sidebar with the view. Run with ``streamlit run app.py``."""

from streamlit.runtime.scriptrunner import RerunException

from perturbviz.ui import badge, collector, navigation, present, settle, sidebar, state

page = navigation.run()
state.apply_deferred()
state.adopt_link()
sidebar.draw_data()
settled = settle.settle()
present.draw(page.url_path)
overtaken = False
try:
    page.run()
except RerunException:  # another run starts at once and draws the rest
    overtaken = True
    raise
finally:  # also where a page stops early with a sentence
    if not overtaken:
        sidebar.draw(settled)
        badge.finish()
    state.write_link()
    collector.settle()
