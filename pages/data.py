"""Data: what is loaded and where it comes from; add predictions, open your own benchmark, download public ones."""

from perturbviz.ui import choose, recipes
from perturbviz.ui.current import begin
from perturbviz.ui.sections import add_data, data_loaded, data_public


def main() -> None:
    """The page."""
    current = begin("data", needs="nothing")
    # with the models of this session, but without the controls that may be drawn: what is changed or saved is data
    source = None if current.source is None else recipes.open_source(current.view.data)
    add_data.show_added(current)
    section = choose.segmented_control(
        "Section",
        ["Loaded", "Add your own", "Public data"],
        label_visibility="collapsed",
        key="data_section",
        persist_state="session",
    )
    if section == "Add your own":
        add_data.show_add(current, source)
    elif section == "Loaded":
        data_loaded.show_loaded(current, source)
    else:
        data_public.show_public("" if source is None else current.view.data)


main()
