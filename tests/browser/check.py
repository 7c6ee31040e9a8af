"""Holds the report page to its promises: no network, no sideways scrolling, keyboard alone, search, sort, export."""

import base64
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import sys
import time

from driver import Browser

TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"
FAILURES = []


def expect(truth, what):
    print(("ok    " if truth else "FAIL  ") + what)
    if not truth:
        FAILURES.append(what)


def check_policy(text):
    """The one script the page allows is the one it has."""
    script = re.search(r"<script>(.*?)</script>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    expect(f"'sha256-{digest}'" in text, f"the policy names the script (SCRIPT_SHA256 is {digest})")


WIDER = """
const limit = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")]
  .filter((e) => e.getClientRects().length && !e.closest(".hidden, .skip") && e.getBoundingClientRect().right > limit + 1)
  .filter((e) => !e.closest(".excerpt, .title, .bipartite li") || e.matches(".excerpt, .title, .bipartite li"))
  .map((e) => e.tagName + "." + (e.getAttribute("class") || "")).slice(0, 5);
"""

# The contrast of every visible text against what lies behind it (WCAG 2: relative luminance).
CONTRAST = """
const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
const poor = new Map();
for (const e of document.querySelectorAll("body *")) {
  if (!e.getClientRects().length || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) poor.set(e.tagName + "." + e.className, ratio.toFixed(2));
}
return [...poor].slice(0, 5);
"""

CLIPPED = """
return [...document.querySelectorAll("td.number, th button, .verdict, .gist, .facts dd, nav a, .tools button")]
  .filter((e) => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
  .map((e) => e.outerHTML.slice(0, 80)).slice(0, 5);
"""

OPEN_ALL = "for (const d of document.querySelectorAll('main details')) d.open = true;"


def check_looks(browser, url, out):
    """Four screens: nothing sticks out or is hard to read, folded and open."""
    for scheme in ("light", "dark"):
        for width, height in ((390, 844), (1440, 900)):
            name = f"{scheme}-{width}"
            browser.screen(width, height, scheme)
            browser.open(url)
            browser.screenshot(os.path.join(out, name + ".png"))
            expect(browser.run("return document.documentElement.scrollWidth <= innerWidth"), f"{name}: no sideways scrolling")
            expect(browser.run(CONTRAST) == [], f"{name}: contrast of at least 4.5: {browser.run(CONTRAST)}")
            expect(browser.run(CLIPPED) == [], f"{name}: nothing is clipped: {browser.run(CLIPPED)}")
            browser.run(OPEN_ALL)
            expect(browser.run("return document.documentElement.scrollWidth <= innerWidth"), f"{name}: nor with all open")
            expect(browser.run(WIDER) == [], f"{name}: nothing sticks out: {browser.run(WIDER)}")
    browser.screen(1440, 900, "light")
    browser.open(url)
    browser.run("document.getElementById('families').scrollIntoView()")


def check_search(browser):
    visible = "return [...document.querySelectorAll('[data-item]')].filter((e) => !e.hidden).length"
    total = browser.run(visible)
    account = browser.run("return document.querySelector('[data-account] bdi').textContent")
    browser.run("document.getElementById('search').focus()")
    browser.press(*account)
    expect(browser.run(visible) == 1, "search for an account leaves its campaign")
    rows = "const c = [...document.querySelectorAll('[data-campaign]')].find((e) => !e.hidden);" \
           "return [...c.querySelectorAll('[data-account]')].filter((e) => !e.hidden).length"
    expect(browser.run(rows) == 1, "and of its accounts the one")
    expect(f"1 of {total}" in browser.run("return document.getElementById('found').textContent"), "and says so")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))")
    browser.press(*"acquitted coursework")
    expect(0 < browser.run(visible) < total, "every word counts")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))")
    expect(browser.run(visible) == total, "an empty search shows all")


COLUMN = """
const table = document.querySelector('#acquitted table');
return [...table.tBodies[0].rows].map((r) => Number(r.cells[2].dataset.value));
"""


def check_sort(browser):
    press = "document.querySelectorAll('#acquitted thead button')[2].focus()"
    before = browser.run(COLUMN)
    sort = "return document.querySelectorAll('#acquitted thead th')[2].getAttribute('aria-sort')"
    browser.run(press)
    browser.press(ENTER)
    expect(browser.run(COLUMN) == sorted(before, reverse=True) and browser.run(sort) == "descending", "sort: largest first")
    browser.press(ENTER)
    expect(browser.run(COLUMN) == sorted(before) and browser.run(sort) == "ascending", "sort: then smallest first")
    browser.run("document.querySelectorAll('#acquitted thead button')[1].focus()")
    browser.press(ENTER)
    expect(browser.run("return document.querySelectorAll('#acquitted th[aria-sort]').length") == 1, "sort: one column at a time")


REACHABLE = """
window.visited ??= new Set();
if (document.activeElement && document.activeElement !== document.body) window.visited.add(document.activeElement);
const wanted = [...document.querySelectorAll("a[href], button, input, summary")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
const missing = wanted.filter((e) => !window.visited.has(e));
return [wanted.length, missing.map((e) => e.outerHTML.slice(0, 70))];
"""


def check_keyboard(browser, url):
    """Tab reaches everything that can be used, in the order of the page, and one sees where one is."""
    browser.open(url)
    browser.press(TAB)
    expect(browser.run("return document.activeElement.className") == "skip", "the first stop is the skip link")
    style = "const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2"
    expect(browser.run(style), "focus is seen")
    watch = "window.visited = new Set([document.activeElement]); window.order = [document.activeElement];" \
            "addEventListener('focusin', (e) => { window.visited.add(e.target); window.order.push(e.target); })"
    browser.run(watch)
    count = browser.run(REACHABLE)[0]
    for _ in range(count // 20 + 2):
        browser.press(*[TAB] * 20)
    _, missing = browser.run(REACHABLE)
    expect(missing == [], f"Tab reaches all {count} controls: {missing[:3]}")
    in_order = "const o = window.order.slice(0, arguments[0]);" \
               "return o.every((e, i) => !i || (o[i - 1].compareDocumentPosition(e) & 4) !== 0)"
    expect(browser.run(in_order, count), "in the order of the page")
    browser.open(url)
    browser.press(TAB, ENTER)
    expect(browser.run("return document.activeElement.id") == "main", "the skip link skips")
    browser.run("document.querySelector('.campaign > summary').focus()")
    was = browser.run("return document.querySelector('.campaign').open")
    browser.press(ENTER)
    expect(browser.run("return document.querySelector('.campaign').open") != was, "Enter folds a campaign")
    browser.run("document.getElementById('theme').focus()")
    paper = "return getComputedStyle(document.body).backgroundColor"
    before = browser.run(paper)
    browser.press(" ")
    expect(browser.run(paper) != before and browser.run("return document.getElementById('theme').getAttribute('aria-pressed')") == "true", "the theme changes")
    browser.press(" ")
    browser.run("document.querySelector('.menu > summary').focus()")
    browser.press(ENTER)
    expect(browser.run("return document.querySelector('.menu').open"), "Enter opens the export menu")
    browser.press(ESCAPE)
    expect(not browser.run("return document.querySelector('.menu').open"), "Escape closes it")


def check_export(browser, out):
    """What the page exports is what the program writes, as far as the page has it."""
    browser.run("document.querySelector('.menu').open = true")
    for index in range(browser.run("return document.querySelectorAll('#exports button').length")):
        browser.run("document.querySelectorAll('#exports button')[arguments[0]].focus()", index)
        browser.press(ENTER)
    files = ["promptprint.json"] + [f"promptprint-{name}.csv" for name in ("accounts", "campaigns", "evidence", "families")]
    downloads = pathlib.Path(browser.downloads)
    for _ in range(100):
        if all((downloads / name).exists() for name in files):
            break
        time.sleep(0.1)
    missing = [name for name in files if not (downloads / name).exists()]
    expect(missing == [], f"all exports arrive: {missing}")
    if missing:
        return
    for name in ("campaigns", "evidence", "families"):
        ours = (pathlib.Path(out) / f"{name}.csv").read_bytes()
        theirs = (downloads / f"promptprint-{name}.csv").read_bytes()
        rows = [list(csv.reader(io.StringIO(text.decode(), newline=""))) for text in (ours, theirs)]
        same = len(rows[0]) == len(rows[1]) and all(same_row(a, b) for a, b in zip(*rows))
        expect(same, f"{name}.csv of the page is that of the program")
    page = json.loads((downloads / "promptprint.json").read_text())
    full = json.loads((pathlib.Path(out) / "report.json").read_text())
    expect(page["report"]["families"] == full["families"], "the JSON of the page is that of the program")
    listed = sum(len(campaign["accounts"]) for campaign in page["report"]["campaigns"])
    there = sum(len(campaign["accounts"]) for campaign in full["campaigns"])
    expect(listed + page["left_out"]["accounts"] == there, "and says how many accounts it leaves out")


def same_row(a, b):
    """Equal cells; numbers may be written differently."""
    def value(cell):
        try:
            return float(cell)
        except ValueError:
            return cell
    return [value(cell) for cell in a] == [value(cell) for cell in b]


def check_hostile(browser):
    expect(browser.run("return document.scripts.length") == 2, "no script but the page's own")
    bold = browser.run("return [...document.querySelectorAll('bdi')].some((e) => e.children.length)")
    expect(not bold, "no element comes out of a name or a prompt")
    shown = browser.run("return document.body.textContent.includes('‹U+202E›')")
    raw = browser.run("return [...document.querySelectorAll('main, header')].some((e) => /[\\u202e\\u200b]/.test(e.textContent))")
    expect(shown and not raw, "direction overrides are written out")


def check_names(browser):
    """Controls have names, headings do not skip a level, charts have words."""
    nameless = "return [...document.querySelectorAll('button, a[href], summary')].filter((e) => !e.textContent.trim()).length"
    expect(browser.run(nameless) == 0, "every control has a name")
    levels = browser.run("return [...document.querySelectorAll('h1,h2,h3,h4')].map((e) => Number(e.tagName[1]))")
    expect(levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])), "headings do not skip a level")
    plots = "return [...document.querySelectorAll('.plot')].every((e) => e.getAttribute('aria-label'))"
    expect(browser.run(plots), "charts have words")
    ids = "const i = [...document.querySelectorAll('[id]')].map((e) => e.id); return i.length - new Set(i).size"
    expect(browser.run(ids) == 0, "no id is used twice")
    dangling = "return [...document.querySelectorAll('a[href^=\"#\"]')].map((e) => e.hash.slice(1)).filter((i) => !document.getElementById(i))"
    expect(browser.run(dangling) == [], "every link leads somewhere")


def check_without_script(browser, url):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url, with_script=False)
    hidden = browser.devtools("Runtime.evaluate", expression="document.getElementById('tools').hidden", returnByValue=True)
    expect(hidden["result"]["value"] is True, "without script no control that needs it is shown")
    text = browser.devtools("Runtime.evaluate", expression="document.querySelector('main').innerText", returnByValue=True)
    expect("convicted" in text["result"]["value"], "and the page can be read")
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def check_print(browser, url, out):
    browser.open(url)
    pdf = browser.devtools("Page.printToPDF", printBackground=False)["data"]
    pathlib.Path(out, "print.pdf").write_bytes(base64.b64decode(pdf))
    expect(len(pdf) > 20_000, "the page prints")


def main(out):
    page = pathlib.Path(out, "report.html").resolve()
    url = page.as_uri()
    check_policy(page.read_text())
    browser = Browser(out)
    try:
        check_looks(browser, url, out)
        expect(browser.console() == [], f"no error on the console: {browser.console()}")
        check_search(browser)
        check_sort(browser)
        check_hostile(browser)
        check_names(browser)
        check_keyboard(browser, url)
        check_export(browser, out)
        check_without_script(browser, url)
        check_print(browser, url, out)
        asked = {asked for asked in browser.requests() if not asked.startswith((url, "data:", "blob:"))}
        expect(asked == set(), f"nothing is asked of the network: {sorted(asked)[:3]}")
    finally:
        browser.close()
    print(f"{len(FAILURES)} failed; screenshots in {out}")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
