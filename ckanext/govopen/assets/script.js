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
  // Handles for dragging rows are for the mouse only: neither the keyboard nor a reader stops at them.
  document.querySelectorAll("[data-module=resource-reorder]").forEach(function (list) {
    function quiet() {
      list.querySelectorAll("a.handle").forEach(function (handle) {
        handle.tabIndex = -1;
        handle.setAttribute("aria-hidden", "true");
      });
    }
    new MutationObserver(quiet).observe(list, { childList: true, subtree: true });
    quiet();
  });
  // The hash of a file is computed here; the file itself is not sent.
  document.querySelectorAll("[data-hash-file]").forEach(function (place) {
    if (!window.crypto || !window.crypto.subtle) return;
    var input = place.querySelector("input[type=file]");
    var failed = place.querySelector("[data-hash-failed]");
    var form = document.getElementById("verify");
    place.hidden = false;
    input.addEventListener("change", function () {
      var file = input.files[0];
      if (!file) return;
      failed.hidden = true;
      file.arrayBuffer().then(function (bytes) {
        return window.crypto.subtle.digest("SHA-256", bytes);
      }).then(function (digest) {
        form.elements.sha256.value = Array.from(new Uint8Array(digest), function (byte) {
          return byte.toString(16).padStart(2, "0");
        }).join("");
        form.submit();
      }).catch(function () { failed.hidden = false; });
    });
  });
  // What goes on by itself is asked for again.
  document.querySelectorAll("[data-again]").forEach(function (place) {
    window.setTimeout(function () { window.location.reload(); }, 1000 * Number(place.getAttribute("data-again")));
  });
})();
