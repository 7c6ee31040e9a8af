// What the page does beyond reading: search, sort, export, theme. Everything is readable without it.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(byId("data").textContent);

  // Theme: the system's, until the reader chooses; a refused storage only forgets the choice.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = byId("theme");
  const remembered = (() => { try { return localStorage.getItem("promptprint-theme"); } catch { return null; } })();
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const showTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  if (remembered === "dark" || remembered === "light") document.documentElement.dataset.theme = remembered;
  theme.addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    try { localStorage.setItem("promptprint-theme", chosen); } catch { /* shown, not remembered */ }
    showTheme();
  });
  dark.addEventListener("change", showTheme);
  showTheme();

  // Sort: a button in each heading; numbers start with the largest, words with the first; ties keep their order.
  const sort = (table, index, heading) => {
    const numeric = heading.dataset.kind !== "text";
    const before = heading.getAttribute("aria-sort");
    const ascending = before === null ? !numeric : before === "descending";
    for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.cells[index];
      const text = cell.dataset.value ?? cell.textContent.trim();
      if (!numeric) return text;
      return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
    };
    const compare = numeric ? (a, b) => a - b : (a, b) => a.localeCompare(b);
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: key(row) }));
    rows.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return ascending ? compare(a.key, b.key) : compare(b.key, a.key);
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };
  for (const table of all("table[data-sortable]")) {
    all("thead th", table).forEach((heading, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, index, heading));
      heading.append(button);
    });
  }

  // Search: every word must occur. A campaign that is found through some of its accounts shows only those.
  const items = all("[data-item]").map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const accounts = new Map(all("[data-campaign]").map((element) => [
    element, all("[data-account]", element).map((row) => ({ row, text: row.textContent.toLowerCase() })),
  ]));
  const search = byId("search");
  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (text) => words.every((word) => text.includes(word));
    let found = 0;
    for (const { element, text } of items) {
      element.hidden = !matches(text);
      found += !element.hidden;
      const rows = accounts.get(element) ?? [];
      const some = words.length > 0 && rows.some(({ text }) => matches(text));
      for (const { row, text } of rows) row.hidden = some && !matches(text);
    }
    byId("found").textContent = words.length ? `${found} of ${items.length} rows` : "";
  };
  search.addEventListener("input", find);

  // A link to a row that search hides, or that is folded, opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[data-item]")?.hidden) { search.value = ""; find(); }
    const details = target.matches("details") ? target : target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  // Export: files made here from the data of the page, so that they work without a network.
  const skeleton = ({ pieces }) => {
    let slots = 0;
    return pieces.map(({ text, slot }) =>
      text ?? `{slot ${++slots}: ${slot.min_bytes}-${slot.max_bytes} B, ${slot.distinct} distinct}`).join("");
  };
  const inert = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = inert(Array.isArray(value) ? value.join(" ") : typeof value === "object" ? skeleton(value) : value);
    return /[,"\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (name) => {
    const { columns, nested } = data.tables[name];
    const list = (campaign) => nested !== "edges" ? campaign[nested] : campaign.accounts.flatMap((account) =>
      account.edges.map((edge) => ({ ...edge, account: account.account })));
    const rows = !nested ? data.report[name] : data.report.campaigns.flatMap((campaign) =>
      list(campaign).map((row) => ({ ...row, campaign: campaign.campaign, verdict: campaign.verdict })));
    return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
      .map((line) => line.map(cell).join(",") + "\r\n").join("");
  };
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  const offer = (label, name, type, make) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => save(name, type, make()));
    byId("exports").append(button);
  };
  offer("JSON, this page", "promptprint.json", "application/json", () => JSON.stringify(data));
  for (const name of Object.keys(data.tables)) offer(`CSV, ${name}`, `promptprint-${name}.csv`, "text/csv", () => csv(name));
  const menu = byId("exports").parentElement;
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // Paper has no folds: all is open while printing, and as before afterwards.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("main details:not([open])");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of folded) details.open = false; });

  byId("tools").hidden = false;
  reveal();
})();
