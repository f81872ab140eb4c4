// The page works without this: it only adds the light/dark switch and the copy buttons.
(() => {
  "use strict";
  const root = document.documentElement;
  const modes = ["auto", "light", "dark"];
  let mode = "auto";
  try { mode = localStorage.getItem("foveal-theme") || "auto"; } catch { /* storage may be forbidden on file: */ }
  const apply = () => {
    if (!modes.includes(mode)) mode = "auto";
    if (mode === "auto") delete root.dataset.theme; else root.dataset.theme = mode;
  };
  apply();

  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here: the old way */ }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const cell = (each) => {
    const value = each.dataset.v ?? each.textContent.trim();
    return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  };
  const csv = (table) => [...table.rows].map((row) => [...row.cells].map(cell).join(",")).join("\r\n") + "\r\n";

  document.addEventListener("DOMContentLoaded", () => {
    const theme = document.getElementById("theme");
    const label = () => { theme.textContent = `Theme: ${mode}`; };
    theme.hidden = false;
    label();
    theme.addEventListener("click", () => {
      mode = modes[(modes.indexOf(mode) + 1) % modes.length];
      try { localStorage.setItem("foveal-theme", mode); } catch { /* kept for this page only */ }
      apply();
      label();
    });
    for (const button of document.querySelectorAll("button[data-copy]")) {
      button.hidden = false;
      const before = button.textContent;
      button.addEventListener("click", async () => {
        const target = document.getElementById(button.dataset.copy);
        const done = await copy(target.tagName === "TABLE" ? csv(target) : target.textContent);
        button.textContent = done ? "Copied" : "Could not copy";
        setTimeout(() => { button.textContent = before; }, 1600);
      });
    }
  });
})();
