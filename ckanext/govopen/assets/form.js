/* Helps in forms: rows that are added and taken away, and a name suggested from the resource code.
   Without scripts there are spare rows, and the portal makes the name. */
(function (ckan) {
  "use strict";
  ckan.module("govopen-rows", function () {
    return {
      initialize: function () {
        var root = this.el[0];
        var list = root.querySelector(".go-entry-list");
        var pattern = root.querySelector("template");
        var add = root.querySelector(".go-entry-add");
        var status = root.querySelector("[role=status]");
        var options = this.options;
        var next = list.children.length;

        function renumber() {
          Array.prototype.forEach.call(list.children, function (row, at) {
            var title = row.querySelector(".go-entry-title");
            title.querySelector(".go-entry-number").textContent = at + 1;
            row.querySelector(".go-entry-remove").setAttribute(
              "aria-label", options.remove.replace("{what}", title.textContent.trim()));
          });
        }
        function show(row) { row.querySelector(".go-entry-remove").hidden = false; }

        Array.prototype.forEach.call(list.children, show);
        add.hidden = false;
        add.addEventListener("click", function () {
          var box = document.createElement("div");
          box.innerHTML = pattern.innerHTML.replace(/REPEATING-INDEX0/g, next).replace(/REPEATING-INDEX1/g, next + 1);
          next += 1;
          var row = box.querySelector(".go-entry");
          list.appendChild(row);
          show(row);
          renumber();
          row.querySelectorAll("[data-module]").forEach(function (part) { ckan.module.initializeElement(part); });
          var first = row.querySelector("input, select, textarea");
          if (first) first.focus();
        });
        list.addEventListener("click", function (event) {
          var button = event.target.closest(".go-entry-remove");
          if (!button) return;
          button.closest(".go-entry").remove();
          renumber();
          status.textContent = options.removed;
          add.focus();
        });
      }
    };
  });

  ckan.module("govopen-name", function () {
    return {
      initialize: function () {
        var name = this.el[0];
        var title = document.getElementById("field-title");
        var code = document.getElementById("field-resource_code") || document.getElementById("field-org_code");
        var touched = name.value !== "";

        function plain(text) {
          var slug = text.normalize("NFKD").toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 90);
          return slug.length > 1 ? slug : "";
        }
        function suggest() {
          if (touched) return;
          // Of a Chinese title only scattered digits would be left.
          var latin = title && !/[^\u0000-\u024f]/.test(title.value);
          name.value = (code && plain(code.value)) || (latin && plain(title.value)) || "";
        }
        name.addEventListener("input", function () { touched = name.value !== ""; });
        [title, code].forEach(function (field) { if (field) field.addEventListener("input", suggest); });
      }
    };
  });
})(window.ckan);
