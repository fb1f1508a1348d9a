"""Every control can be reached with the Tab key and shows that it has the focus; every chart has words for it."""

import pytest

# Controls that can be used, each with the group it belongs to: within a group the arrow keys lead on.
CONTROLS = """() => {
  const of = (e) => { const s = getComputedStyle(e);
    return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor, s.backgroundColor, s.color]; };
  window.lookOf = (e) => { const seen = [];
    for (let p = e, k = 0; p && k < 4; p = p.parentElement, k++) seen.push(of(p));
    for (const c of [...e.querySelectorAll('*')].slice(0, 6)) seen.push(of(c)); return JSON.stringify(seen); };
  const groups = [];
  const roles = ['radio', 'switch', 'slider', 'combobox'].map((role) => `[role=${role}]`);
  return [...document.querySelectorAll(['button', 'input', 'textarea', 'a[href]', ...roles].join())]
    .filter((e) => !e.disabled && e.ariaDisabled !== 'true' && e.tabIndex >= 0 && e.offsetParent
      && getComputedStyle(e).visibility === 'visible')
    .map((e, i) => { const group = e.closest('[data-testid="stButtonGroup"]');
      if (group && !groups.includes(group)) groups.push(group);
      e.dataset.control = group ? `group ${groups.indexOf(group)}` : `control ${i}`;
      return [e.dataset.control, (e.ariaLabel || e.innerText || e.type).slice(0, 40)]; }); }"""
FOCUSED = """() => { const e = document.activeElement; window.last = e;
  const words = (e.ariaLabel || e.innerText || '').slice(0, 40);
  return e === document.body ? null : [e.dataset.control ?? null, window.lookOf(e), words]; }"""
BLURRED = """async () => { const e = window.last, frame = () => new Promise(requestAnimationFrame);
  e.blur(); await frame(); await frame();
  const look = window.lookOf(e); e.focus({focusVisible: true}); await frame(); return look; }"""


@pytest.mark.parametrize(
    ("path", "heading"),
    [("", "Which method predicts best? It depends how you measure"), ("errors", "How far off are the predictions?")],
)
def test_tab_reaches_every_control_and_shows_where_it_is(app, path, heading):
    app.page.emulate_media(reduced_motion="reduce")
    app.open(path, heading, charts=2).choices()
    app.page.add_style_tag(content="* { transition: none !important }")
    controls = dict(app.page.evaluate(CONTROLS))
    assert sum(name.startswith(("SVG", "CSV")) for name in controls.values()) >= 4
    reached, unmarked = set(), []
    for _ in range(3 * len(controls)):
        app.page.keyboard.press("Tab")
        focused = app.page.evaluate(FOCUSED)
        if focused is None or focused[0] in reached:
            continue
        if app.page.evaluate(BLURRED) == focused[1]:
            unmarked.append(focused[2])
        reached.add(focused[0])
        if set(controls) <= reached:
            break
    assert [name for key, name in controls.items() if key not in reached] == []
    assert unmarked == []


def test_arrow_keys_move_within_a_group(app):
    app.open("", "Which method predicts best? It depends how you measure", charts=4).choices()
    app.page.get_by_role("radio", name="expressed", exact=True).focus()
    app.page.keyboard.press("ArrowRight")
    app.page.keyboard.press("Space")
    app.page.wait_for_function("document.activeElement.innerText.trim() === 'DE'")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("?section=Robustness", "Which method predicts best? It depends how you measure"),
        ("calibration", "Can this metric tell a good prediction from an uninformative one?"),
    ],
)
def test_every_chart_is_described_in_plain_words(app, path, heading):
    app.open(path, heading, charts=2)
    labels = app.page.locator("figure.pv-chart").evaluate_all("(all) => all.map((f) => f.ariaLabel)")
    assert len(labels) >= 2 and all(label and len(label) > 20 and "**" not in label for label in labels)
