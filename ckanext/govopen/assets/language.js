// CKAN's scripts make the name of a locale from the page's language tag and replace one dash only:
// "zh-Hans-CN" would be asked for as "zh_Hans-CN", which there is not, and no module would start.
(function (ckan, moment, jQuery) {
  "use strict";
  const load = ckan.Client.prototype.getLocaleData;
  ckan.Client.prototype.getLocaleData = function (locale, ...rest) {
    return load.call(this, String(locale || "").replace(/-/g, "_"), ...rest);
  };
  const names = { "zh-Hans-CN": "zh-cn", "zh-Hant-TW": "zh-tw" };
  if (moment) {
    const choose = moment.locale;
    moment.locale = (name, ...rest) => choose.call(moment, names[name] || name, ...rest);
  }

  // The lists that are typed into look for their words under the page's language tag, which theirs are not.
  const said = document.getElementById("go-list-words");
  if (said && jQuery.fn.select2) {
    const words = JSON.parse(said.textContent);
    const say = (name, count) => () => words[name].replace("{number}", count);
    const texts = {};
    Object.keys(words).forEach((name) => { texts[name] = say(name); });
    texts.inputTooShort = (args) => say("inputTooShort", args.minimum - args.input.length)();
    texts.inputTooLong = (args) => say("inputTooLong", args.input.length - args.maximum)();
    texts.maximumSelected = (args) => say("maximumSelected", args.maximum)();
    jQuery.fn.select2.amd.define("select2/i18n/" + document.documentElement.lang, [], () => texts);
  }
  // Their boxes are named by what is chosen, or by nothing: here by the field's label, too.
  if (jQuery.fn.select2) {
    const make = jQuery.fn.select2;
    jQuery.fn.select2 = function (...args) {
      const made = make.apply(this, args);
      this.each(function () {
        const group = this.closest(".form-group");
        const label = document.querySelector(`label[for="${this.id}"]`) || (group && group.querySelector("label"));
        const data = jQuery(this).data("select2");
        const box = label && data && data.$selection[0];
        if (!box || box.hasAttribute("data-named")) return;
        box.setAttribute("data-named", "");
        // A text area is no search box to those who listen; what it is, it is by itself.
        box.querySelectorAll("textarea[role]").forEach((field) => field.removeAttribute("role"));
        const value = box.getAttribute("aria-labelledby");
        if (value) {
          label.id = label.id || `label-of-${this.id}`;
          box.setAttribute("aria-labelledby", `${label.id} ${value}`);
        } else {
          box.setAttribute("aria-label", label.textContent.trim());
        }
      });
      return made;
    };
    Object.assign(jQuery.fn.select2, make);
  }
})(window.ckan, window.moment, window.jQuery);
