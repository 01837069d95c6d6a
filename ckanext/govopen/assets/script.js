/* Small helps for reading pages. Everything works without them. */
(function () {
  "use strict";
  // Filters are open beside the list on a wide screen; browsers that cannot do that by style sheet get it here.
  var wide = window.matchMedia("(min-width: 60rem)");
  document.querySelectorAll("[data-open-wide]").forEach(function (details) {
    if (wide.matches) details.open = true;
  });
  // Choosing an order applies it; the button stays for those without scripts.
  document.querySelectorAll("select[data-submit]").forEach(function (select) {
    var button = select.form.querySelector("button[type=submit]");
    if (button) button.hidden = true;
    select.addEventListener("change", function () { select.form.submit(); });
  });
  // One box that ticks all.
  document.querySelectorAll("[data-tick-all]").forEach(function (place) {
    var all = document.createElement("input");
    all.type = "checkbox";
    all.setAttribute("aria-label", place.getAttribute("data-tick-all"));
    all.addEventListener("change", function () {
      all.form.querySelectorAll("input[name=review]").forEach(function (box) { box.checked = all.checked; });
    });
    place.appendChild(all);
  });
})();
