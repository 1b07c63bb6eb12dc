"use strict";
(() => {
  const form = document.getElementById("find");
  const field = (name) => document.getElementById("f-" + name);
  const cases = [...document.getElementById("list").children];
  const status = document.getElementById("shown");
  const texts = new Map();

  // A large page opens sooner if what is closed in it stays text until it is looked at. Browsers
  // leave the inside of "noscript" text where scripts run, and read it as a page where none do.
  const folded = (one) => one.querySelector("noscript");
  const unfold = (one) => {
    const text = folded(one);
    if (text) text.outerHTML = text.textContent;
  };

  // Letters as people type them: any case, any way of writing an accent.
  const plain = (text) => text.normalize("NFC").toLocaleLowerCase();
  const signs = {"&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'", "&amp;": "&"};
  const read = (source) =>
    source.replace(/<[^>]*>/g, " ").replace(/&[^;]+;/g, (one) => signs[one] || one);
  const written = (one) => {
    const kept = folded(one);
    return kept ? one.firstElementChild.textContent + " " + read(kept.textContent) : one.textContent;
  };
  const words = (one) => {
    if (!texts.has(one)) texts.set(one, plain(written(one)));
    return texts.get(one);
  };
  const among = (value, listed) => !value || (listed || "").split(" ").includes(value);

  const find = () => {
    const wanted = plain(field("text").value).split(/\s+/).filter(Boolean);
    const [verdict, school, rule] = ["verdict", "school", "rule"].map((name) => field(name).value);
    let count = 0;
    for (const one of cases) {
      const fits = among(verdict, one.dataset.v) && among(school, one.dataset.s)
        && among(rule, one.dataset.r) && wanted.every((word) => words(one).includes(word));
      if (one.hidden === fits) one.hidden = !fits;
      count += fits;
    }
    const some = status.dataset.some.replace("{shown}", count);
    status.textContent = count ? some : some + ". " + status.dataset.none;
  };

  // What a link leads to is shown and opened, also where the search has hidden it.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const one = target && target.closest("#list > details");
    if (!one) return;
    if (one.hidden) { form.reset(); find(); }
    unfold(one);
    one.open = true;
    target.scrollIntoView();
    one.querySelector("summary").focus({preventScroll: true});
  };

  let waiting;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 150); });
  form.addEventListener("submit", (event) => { event.preventDefault(); find(); });
  form.addEventListener("reset", () => setTimeout(() => { find(); field("text").focus(); }));
  addEventListener("hashchange", reveal);

  // What is told elsewhere on the page is shown where it is pointed at.
  document.addEventListener("toggle", (event) => {
    unfold(event.target);
    for (const link of event.target.querySelectorAll('a[href^="#t"], a[href^="#r"]')) {
      const told = document.getElementById(link.hash.slice(1));
      if (told) link.title = told.textContent;
    }
  }, true);

  // Older browsers print closed parts as closed: open what is flagged, and close it again.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".flag:not([open])")];
    for (const one of opened) { unfold(one); one.open = true; }
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  form.hidden = false;
  find();
  reveal();
})();
