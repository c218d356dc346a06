"""A surface in a real JupyterLab: live after a reload, in a second view, and quiet about what a person is doing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.harness import LabServer, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.ci]

SURFACE = """
from hfft_widgets.widgets.surface import Surface
done = []
def act(message):
    done.append(message)
    show(len(done))
surface = Surface(act, "")
def show(n, extra=""):
    surface.show(f'''<p class="n">{n}</p>{extra}<details><summary>More</summary><p>inside</p></details>
      <label>Name <input name="name" data-field="name" value="first"></label>
      <label>Kind <select name="kind" data-field="kind" ><option>a</option><option selected>b</option></select></label>
      <button type="button" data-do="press">Press</button><div class="hfft-actions"></div>
      <time data-since="1000"></time>''')
show(0)
surface
"""


def test_what_a_person_does_is_kept_while_the_kernel_draws(notebook: NotebookPage, lab: LabServer):
    page = notebook.page
    notebook.open(lab.write("surface.ipynb", SURFACE))
    notebook.run_all()
    root = page.locator(".hfft-root")
    expect(root.locator(".n")).to_have_text("0")
    expect(root.locator("select")).to_have_value("b")
    assert "h" in root.locator("time").inner_text()
    root.get_by_text("More").click()
    field = root.locator("input")
    field.fill("typed here")
    field.evaluate("e => e.setSelectionRange(2, 5)")
    notebook.execute("show(7, extra='<p>new</p>')")
    expect(root.locator(".n")).to_have_text("7")
    assert field.evaluate("e => [document.activeElement === e, e.value, e.selectionStart]") == [True, "typed here", 2]
    expect(root.get_by_text("inside")).to_be_visible()

    button = page.get_by_role("button", name="Press")
    button.focus()
    page.keyboard.press("Enter")
    expect(root.locator(".n")).to_have_text("2")  # the field's change, and the click
    assert button.evaluate("e => document.activeElement === e")
    notebook.execute("assert done == [{'set': 'name', 'value': 'typed here'}, {'do': 'press', 'value': None}], done")

    notebook.execute("surface.show(surface.html.replace('value=\"first\"', 'value=\"second\"'))")
    expect(field).to_have_value("second")


def test_letters_and_arrows_in_a_list_are_no_commands_of_the_notebook(notebook: NotebookPage, lab: LabServer):
    page = notebook.page
    notebook.open(lab.write("keys.ipynb", SURFACE, "1 + 1"))
    notebook.run_all()
    cells = page.locator(".jp-Cell").count()
    page.locator(".hfft-root select").focus()
    page.keyboard.press("b")
    page.keyboard.press("ArrowDown")
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".hfft-root select").evaluate("e => document.activeElement === e")


def test_it_is_live_after_a_reload_and_says_when_the_kernel_is_gone(notebook: NotebookPage, lab: LabServer):
    page = notebook.page
    notebook.open(lab.write("reload.ipynb", SURFACE))
    notebook.run_all()
    notebook.execute("show(3)")
    notebook.save_and_reload()
    number = page.locator(".hfft-root .n")
    expect(number).to_have_text("3", timeout=30_000)
    notebook.execute("show(4)")
    expect(number).to_have_text("4")
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(page.locator(".hfft-kernel")).to_contain_text("run the cell again", timeout=30_000)
