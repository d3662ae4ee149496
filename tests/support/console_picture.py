"""The console's picture in the documents: the page itself, within a drawing.

`python -m tests.support.console_picture` writes it anew.
"""

import asyncio
import re
from pathlib import Path

from hack.browser import Page, open_page, run_browser
from tests.support.console_stage import console

PICTURE = Path("docs/pictures/console.svg")
STYLES = Path("operator/src/linnet/server/console/console.css")
ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1000, 1310
BODY = """
(() => {
  const body = document.body.cloneNode(true);
  const unseen = "[hidden], .skip, .told, .back, dialog, noscript, img";
  for (const each of body.querySelectorAll(unseen)) each.remove();
  const unneeded = /^(aria-(?!current)|id$|tabindex$|href$|type$|role$)/;
  for (const each of body.querySelectorAll("*")) {
    for (const { name } of [...each.attributes]) {
      if (unneeded.test(name)) each.removeAttribute(name);
    }
  }
  return new XMLSerializer().serializeToString(body).replace(/\\s*\\n\\s*/g, "\\n");
})()
"""


async def draw(page: Page) -> str:
    """A picture of a page that shows a release, as SVG; it follows the reader's light or dark."""
    body = await page.script(BODY)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="The console">\n'
        f"<style>\n{_styles()}</style>\n"
        f'<foreignObject width="{WIDTH}" height="{HEIGHT}">\n{body}\n</foreignObject>\n</svg>\n'
    )


def _styles() -> str:
    """The page's styles at the picture's width, whatever the width that it is shown at."""
    text = (ROOT / STYLES).read_text()
    text = re.sub(r"@media \(max-width.*?\n}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"@media \(min-width[^{]*{\n(.*?)\n}\n", r"\1\n", text, flags=re.DOTALL)
    # An id is not kept, lest it is one of the document that shows the picture.
    return re.sub(r"#body\b", ".release > div", text) + f"body {{ min-height: {HEIGHT}px; }}\n"


async def main() -> None:
    """Write the picture."""
    with run_browser() as browser:
        async with console() as place, open_page(browser) as page:
            await page.looks(WIDTH)
            await page.visit(f"{place.url}/console/#/default/shop")
            await page.write("Token", "editor")
            await page.write("Namespace", "default")
            await page.click("button", "Sign in")
            await page.says("1 of 2 approvals are there")
            text = await draw(page)
    (ROOT / PICTURE).parent.mkdir(exist_ok=True)
    (ROOT / PICTURE).write_text(text)


if __name__ == "__main__":
    asyncio.run(main())
