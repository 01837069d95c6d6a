"""Words of catalogues as people write them, brought to one form.

Only for comparing headings and fixed values: a small table of the characters that occur in
them, no general conversion between Traditional and Simplified Chinese.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters of headings, class names, cycles and yes/no values: Traditional, then Simplified.
_TRADITIONAL = (
    "無條開數據資訊類項細稱碼門長與單頻連關聯佈發時間標題說簽鍵詞實週電檔圖屬網頁庫業"
    "務產購買協獲來隨變態衆眾終備註權許創編號織構範圍樣過東車進戶證執員個為於從總處決"
    "軟體價語點級別結減訂認識寫讀選動靜鐘續穩內層對該還邏輯貨幣雙雜復複製區縣鄉鎮責機"
    "屆見規採換會欄爲爾籤職託請鍾"
)
_SIMPLIFIED = (
    "无条开数据资讯类项细称码门长与单频连关联布发时间标题说签键词实周电档图属网页库业"
    "务产购买协获来随变态众众终备注权许创编号织构范围样过东车进户证执员个为于从总处决"
    "软体价语点级别结减订认识写读选动静钟续稳内层对该还逻辑货币双杂复复制区县乡镇责机"
    "届见规采换会栏为尔签职托请钟"
)
_TABLE = str.maketrans(dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True)))
#: Words that differ between Taiwan and the mainland, after the characters were converted.
_PHRASES = (("资料", "数据"), ("资讯", "信息"), ("栏位", "字段"), ("机关", "单位"))
_NOISE = re.compile(r"[\s*＊:：,，、。.·_\-—/()\[\]【】<>《》\"'“”]+")


def fold(text: str) -> str:
    """One form for comparing: width, case, Traditional characters, blanks and marks removed."""
    plain = unicodedata.normalize("NFKC", text).translate(_TABLE).casefold()
    for taiwan, mainland in _PHRASES:
        plain = plain.replace(taiwan, mainland)
    return _NOISE.sub("", plain)


_YES = frozenset(
    fold(word)
    for word in ("是", "Y", "yes", "true", "1", "全部开放", "部分开放", "开放", "有", "对外开放")
)
_NO = frozenset(
    fold(word)
    for word in ("否", "N", "no", "false", "0", "不开放", "不予开放", "未开放", "无", "非开放")
)


def yes_or_no(text: str) -> bool | None:
    """是/否, Y/N, 全部开放/部分开放/不开放 and the like; None for anything else."""
    word = fold(text)
    if word in _YES:
        return True
    return False if word in _NO else None


def partly(text: str) -> bool:
    """Does the value say that only a part is open (部分开放)?"""
    return fold(text) == fold("部分开放")


#: Information item types of the catalogue guide (发改高技〔2017〕1272号): code, then its names.
ITEM_TYPES: dict[str, tuple[str, ...]] = {
    "C": ("字符型", "字符串", "文本", "字元", "string", "text", "char", "varchar"),
    "N": ("数值型", "数值", "number", "numeric", "decimal"),
    "Y": ("货币型", "货币", "currency", "money"),
    "D": ("日期型", "日期", "date"),
    "T": ("日期时间型", "日期时间", "datetime", "timestamp"),
    "L": ("逻辑型", "逻辑", "布尔型", "logical", "boolean", "bool"),
    "M": ("备注型", "备注", "memo"),
    "G": ("通用型", "通用", "general"),
    "B": ("双精度型", "双精度", "double"),
    "I": ("整型", "整数", "整数型", "integer", "int"),
    "F": ("浮点型", "浮点", "float"),
}
_ITEM_TYPE_NAMES = {fold(name): code for code, names in ITEM_TYPES.items() for name in names}


def item_type(text: str) -> str | None:
    """The code of an information item type: ``C``, ``字符型``, ``字符型C``; None if unknown."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.upper() in ITEM_TYPES:
        return plain.upper()
    known = _ITEM_TYPE_NAMES.get(fold(plain))
    if known:
        return known
    for code in (plain[:1].upper(), plain[-1:].upper()):
        rest = plain[1:] if code == plain[:1].upper() else plain[:-1]
        if code in ITEM_TYPES and _ITEM_TYPE_NAMES.get(fold(rest)) == code:
            return code
    return None


#: Ways of acquisition: canonical name, then the names catalogues use.
_WAYS = {
    "collected": ("采集", "採集", "自采", "直接采集", "委托采集", "产生", "履职产生"),
    "shared": ("共享", "共享获取", "通过共享获取", "交换"),
    "negotiated": ("协商", "协商获取", "通过协商获取"),
    "purchased": ("采购", "採購", "购买"),
}
_WAY_NAMES = {fold(name): way for way, names in _WAYS.items() for name in (way, *names)}


def way(text: str) -> str | None:
    """The canonical way of acquisition, None if unknown."""
    return _WAY_NAMES.get(fold(text))


#: Update cycles: canonical code, then the names catalogues use.
CYCLES: dict[str, tuple[str, ...]] = {
    "realtime": ("实时", "即时", "realtime", "real-time"),
    "daily": ("每日", "每天", "日", "daily"),
    "weekly": ("每周", "周", "weekly"),
    "monthly": ("每月", "月", "monthly"),
    "quarterly": ("每季度", "每季", "季度", "季", "quarterly"),
    "half_yearly": ("每半年", "半年", "half-yearly", "semiannual"),
    "yearly": ("每年", "年", "年度", "yearly", "annual"),
    "irregular": ("不定期", "不定时", "按需", "irregular", "as needed"),
    "once": ("一次性", "不更新", "永不更新", "once", "never"),
}
_CYCLE_NAMES = {fold(name): code for code, names in CYCLES.items() for name in (code, *names)}


def cycle(text: str) -> str | None:
    """The canonical update cycle, None if unknown."""
    return _CYCLE_NAMES.get(fold(text))
