"""By which rule a record of the demonstration catalogue is open, and under which condition.

The published list knows one class only: open. To show what conditional opening is, the
demonstration makes those records conditional whose information items reach single people. The
rule is deliberately simple and stated in ``RULE.md``; it is a rule for a demonstration, not a
finding about the city's data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Items that name a natural person or reach one.
PERSON = re.compile(
    "姓名|負責人|聯絡人|連絡人|理事長|董事長|代表人|所有權人|被繼承|義務人|手機|住址|身分證|身份證|業主|執業人員|申請人"
)
#: Events that touch single people …
EVENT = re.compile("確診|個案|竊盜|失竊|事故|家暴|犯罪|死亡|傷亡|火災|違規|裁罰|查緝|走失")
#: … become conditional where an item says exactly where they happened.
PLACE = re.compile("地址|地點|門牌|座標|坐標|經度|緯度|經緯度|位置|路口|TWD97")
#: Items that lead to one property, and by it to its owner.
PROPERTY = re.compile("建號|門牌")
#: An item's name that is longer is a sentence of explanation, not a name.
LONGEST = 16

CONDITION_PERSON = (
    "含有自然人姓名、職務或聯絡方式。申請人須說明用途，僅得於該用途內使用，"
    "不得再提供第三人，不得用於行銷或與其他資料比對以識別個人。"
)
CONDITION_PLACE = (
    "含有涉及個人之事件的確切地點。申請人須說明用途並採取去識別措施，"
    "公開成果不得精確至門牌或個別案件。"
)
CONDITION_PROPERTY = (
    "含有可對應至單一不動產的建號或門牌。申請人須說明用途，不得與地籍或戶籍資料比對以推知所有權人。"
)


def condition(title: str, items: Sequence[str]) -> str:
    """The opening condition of a record, or an empty text when it is open without one.

    ``title`` is the record's title, ``items`` are the names of its information items.
    """
    names = [name for name in items if len(name) <= LONGEST]
    if any(PERSON.search(name) for name in names):
        return CONDITION_PERSON
    if EVENT.search(title) and any(PLACE.search(name) for name in names):
        return CONDITION_PLACE
    if any(PROPERTY.search(name) for name in names):
        return CONDITION_PROPERTY
    return ""
