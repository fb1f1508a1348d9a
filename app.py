"""perturbviz: the page menu and the sidebar with the view. Run with ``streamlit run app.py``."""

from perturbviz.ui import badge, collector, navigation, present, sidebar, state

page = navigation.run()
state.apply_deferred()
state.adopt_link()
sidebar.draw()
present.draw(page.url_path)
try:
    page.run()
finally:  # also where a page stops early with a sentence
    badge.finish()
    state.write_link()
    collector.settle()
