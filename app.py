"""perturbviz: the page menu and the sidebar with the view. Run with ``streamlit run app.py``."""

from perturbviz.ui import badge, navigation, present, sidebar, state

page = navigation.run()
state.apply_deferred()
state.adopt_link()
sidebar.draw()
present.draw(page.url_path)
page.run()
badge.finish()
state.write_link()
