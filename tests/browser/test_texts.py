"""Hostile, broken and awkward texts on the judging screen."""

import itertools
import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CANARY = "https://canary.invalid"
SCRIPTS = ["alert(1)", f"fetch('{CANARY}/x')"]
TAGS = [
    "<script>{0}</script>",
    "<script src={1}/x.js></script>",
    "<img src=x onerror={0}>",
    "<img src={1}/p.png>",
    "<svg onload={0}>",
    "<svg><script>{0}</script></svg>",
    "<svg><a xlink:href='javascript:{0}'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror={0}&gt;'>",
    "<iframe srcdoc='<script>{0}</script>'></iframe>",
    "<iframe src='javascript:{0}'></iframe>",
    "<object data='data:text/html,<script>{0}</script>'></object>",
    "<embed src={1}/x.swf>",
    "<link rel=stylesheet href={1}/x.css>",
    "<style>@import '{1}/x.css';</style>",
    "<body onload={0}>",
    "<details open ontoggle={0}>",
    "<input autofocus onfocus={0}>",
    "<video><source onerror={0}></video>",
    "<form action={1}><button>Submit</button></form>",
    "<base href={1}/>",
    "<meta http-equiv=refresh content='0;url={1}'>",
    "<div hx-get={1} hx-trigger=load></div>",
    "<div hx-on:load='{0}' data-hx-on:load='{0}'></div>",
    "<quorum-text><pre>x</pre><img src=x onerror={0}></quorum-text>",
    "</pre></quorum-text><script>{0}</script>",
    "<template><script>{0}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={0}>'></noscript>",
    "<p style='background:url({1}/b.png)'>x</p>",
    "<a href='javascript:{0}' id=panel name=stage>x</a>",
    "<!--><img src=x onerror={0}>-->",
    "{{{{constructor.constructor('{0}')()}}}}",
    "<x/onclick={0}>click</x>",
]
LINKS = [
    "[a](javascript:{0})",
    "[a](JaVaScRiPt:{0})",
    "[a](java\tscript:{0})",
    "[a](&#106;avascript:{0})",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a](vbscript:{0})",
    "<javascript:{0}>",
    "![a]({1}/p.png)",
    "![a](javascript:{0})",
    "[![a]({1}/p.png)](javascript:{0})",
    "[a]\n\n[a]: javascript:{0}",
    '[a](<{1}/x" onmouseover="{0}> "t")',
    "[a](//canary.invalid/x)",
    "[a](\x01javascript:{0})",
    "[a](https://x.invalid 'x\" onclick=\"{0}')",
]
FORMULAS = [
    r"$\href{{javascript:{0}}}{{x}}$",
    r"$\url{{javascript:{0}}}$",
    r"$\includegraphics{{{1}/p.png}}$",
    r"$\htmlClass{{panel}}{{x}}$",
    r"$\htmlData{{do=submit}}{{x}}$",
    r"$\htmlStyle{{position:fixed}}{{x}}$",
    r"$$\def\a{{\a\a}}\a$$",
    r"$\rule{{9999em}}{{9999em}}$",
    r"$<img src=x onerror={0}>$",
    r"\[\text{{<script>{0}</script>}}\]",
]
CODE = [
    "```html\n<script>{0}</script>\n```",
    "```<img/src=x/onerror={0}>\nx\n```",
    "`<img src=x onerror={0}>`",
    "```js\n`${{{0}}}`\n```",
    "    <script>{0}</script>",
    "~~~\n</code></pre><script>{0}</script>\n~~~",
]
WRAPPED = ["> {0}", "- {0}", "| a |\n|---|\n| {0} |", "# {0}", "**{0}**"]


def payloads():
    plain = [
        one.format(script, CANARY)
        for one, script in itertools.product(TAGS + LINKS + FORMULAS + CODE, SCRIPTS)
    ]
    wrapped = [
        wrap.format(tag.format(SCRIPTS[0], CANARY).replace("\n", " "))
        for wrap, tag in itertools.product(WRAPPED, TAGS[:8])
    ]
    return plain + wrapped


@pytest.fixture
def open_texts(open_context, ann, make_comparison, wait_until_drawn):
    """Open a comparison of these texts, watched for everything that it must not do."""

    def open_texts(*texts, prompt="Write a haiku.", is_hurried=False):
        make_comparison(texts=texts, prompt=prompt)
        page = open_context(ann.user).new_page()
        if not is_hurried:  # the page gives up on a text after a second of its clock
            page.clock.install(time=0)
            page.clock.pause_at(1)
        page.trouble = []
        page.on("dialog", lambda dialog: (page.trouble.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("request", lambda request: note_foreign(page, request.url))
        page.goto("/projects/haiku/judge/")
        page.wait_for_selector("#panel[data-slot]")
        wait_until_drawn(page)
        return page

    return open_texts


def note_foreign(page, url):
    if not url.startswith(("http://localhost", "http://127.0.0.1", "data:", "blob:")):
        page.trouble.append(url)


def render_each(page, texts):
    """Render texts in place of the first response, one after the other; their HTML."""
    return page.evaluate(
        """async texts => {
            const shown = [];
            for (const text of texts) {
                const element = document.createElement("quorum-text");
                const pre = element.appendChild(document.createElement("pre"));
                pre.textContent = text;
                document.querySelector(".response-body").append(element);
                await element.show();
                shown.push({
                    html: element.innerHTML,
                    text: element.textContent,
                    view: element.dataset.view,
                    runs: [...element.querySelectorAll("[data-o]")].map(
                        run => [Number(run.dataset.o), run.textContent]),
                });
                element.remove();
            }
            return shown;
        }""",
        texts,
    )


class TestHostileTexts:
    def test_run_nothing_and_fetch_nothing(self, open_texts):
        corpus = payloads()
        page = open_texts(*corpus[:9], prompt="\n\n".join(corpus))

        shown = render_each(page, corpus)
        page.evaluate("document.querySelectorAll('.conversation *').forEach(one => one.click?.())")
        inside = page.locator("quorum-text").evaluate_all(
            """all => all.flatMap(text => [...text.querySelectorAll(
                "script, img, svg:not(.katex svg), iframe, object, embed, form, style, link, meta,"
                + "base, input, video, [id], [name], [onerror], [onload], [onclick], [hx-get]")]
                .map(one => one.outerHTML))"""
        )

        assert len(corpus) >= 150
        assert page.trouble == []
        assert inside == []
        assert not any('href="javascript:' in one["html"].lower() for one in shown)

    def test_cannot_look_like_the_page(self, open_texts):
        page = open_texts(
            "# Response 1 is correct\n\n<button>Submit</button>", "[Submit](https://x.invalid)"
        )

        texts = page.locator("quorum-text")
        assert texts.locator("h1, h2, h3, button").count() == 0
        link = texts.locator("a").first
        assert link.get_attribute("rel") == "noopener noreferrer nofollow ugc"
        assert link.get_attribute("target") == "_blank"

    def test_show_hidden_characters_in_the_raw_view(self, open_texts):
        page = open_texts("safe\u202eevil\u200b \U000e0041", "other")

        expect(page.locator(".q-warning").first).to_be_visible()
        page.keyboard.press("r")

        expect(page.locator(".q-hidden").first).to_have_text("⟨U+202E⟩")
        expect(page.locator(".q-hidden").last).to_have_text("⟨U+E0041⟩")


class TestAwkwardTexts:
    @pytest.mark.parametrize(
        "text",
        [
            ">" * 10_000 + " deep",
            "- " * 2000 + "x",
            "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + ("|b" * 2000 + "|\n") * 200,
            "| a |\n|---|\n| b | lost |",
        ],
        ids=["quotes", "lists", "table", "dropped-cell"],
    )
    def test_end_as_raw_text(self, open_texts, text):
        page = open_texts(text, "an answer", is_hurried=True)

        shown = page.locator("quorum-text[data-response][data-view=raw]").text_content()

        assert "Shown as raw text" in shown
        assert text in shown

    def test_do_not_stop_the_page(self, open_texts):
        page = open_texts("[" * 50_000, "an answer", is_hurried=True)

        page.keyboard.press("1")

        expect(page.locator(".said")).to_have_text("Response 1 is slightly better")

    def test_are_rendered_with_maths_code_and_tables(self, open_texts):
        page = open_texts(
            "Euler: $e^{i\\pi}+1=0$ for \\$5 and $10.\n\n\\[\n\\frac{a}{b}\n\\]",
            "```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![a cat](http://x.invalid/c.png)",
        )

        expect(page.locator(".katex").first).to_be_visible()
        assert page.locator(".q-math").count() == 2
        assert page.locator(".katex-display").count() == 1
        expect(page.locator(".hljs-number")).to_have_text("1")
        assert page.locator("quorum-text td").count() == 2
        expect(page.get_by_text("[image: a cat → http://x.invalid/c.png]")).to_be_visible()
        assert page.trouble == []

    def test_carry_the_place_of_every_run(self, open_texts):
        real = json.loads((Path(__file__).parent.parent / "data/texts/real.json").read_text())
        page = open_texts("one", "two")
        texts = [one["text"] for one in real["texts"]]
        texts += [text.replace("\n", "\r\n") for text in texts[:10]]
        texts += ["🙂" + text for text in texts[:10]]

        for text, shown in zip(texts, render_each(page, texts), strict=True):
            assert shown["runs"]
            for start, run in shown["runs"]:
                assert text[start : start + len(run)] == run
