// CKAN's scripts make the name of a locale from the page's language tag and replace one dash only:
// "zh-Hans-CN" would be asked for as "zh_Hans-CN", which there is not, and no module would start.
(function (ckan, moment) {
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
})(window.ckan, window.moment);
