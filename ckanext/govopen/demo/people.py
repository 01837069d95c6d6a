"""Who is who in the demonstration, and what the departments publish themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: The organisation of the data authority, when the site's configuration names none.
AUTHORITY_TITLE = "数据主管部门"
SOURCE = "demo-catalogue"
SOURCE_TITLE = "演示目录（桃園市政府資料清單 2018）"


@dataclass(frozen=True)
class Account:
    """A demonstration account. ``department`` is a department's code or ``authority``."""

    name: str
    fullname: str
    role: str
    department: str = ""
    capacity: str = ""
    duties: tuple[str, ...] = ()
    sysadmin: bool = False


SOCIAL, HEALTH, LAND = "380120000J", "380140000I", "380160000A"
AUTHORITY = "authority"

ACCOUNTS = (
    Account("demo-operator", "运维人员（演示）", "operator", sysadmin=True),
    Account(
        "demo-catalogue",
        "目录管理员（演示）",
        "runs the catalogue source",
        AUTHORITY,
        "admin",
        ("authority",),
    ),
    Account(
        "demo-authority",
        "数据主管部门审查员（演示）",
        "authority",
        AUTHORITY,
        "member",
        ("authority",),
    ),
    Account("demo-auditor", "审计员（演示）", "auditor", AUTHORITY, "member", ("auditor",)),
    Account("demo-social-editor", "社會局編輯（演示）", "department", SOCIAL, "editor"),
    Account(
        "demo-social-reviewer",
        "社會局政務公開（演示）",
        "reviewer, handles applications",
        SOCIAL,
        "member",
        ("reviewer", "handler"),
    ),
    Account("demo-health-editor", "衛生局編輯（演示）", "department", HEALTH, "editor"),
    Account(
        "demo-health-reviewer",
        "衛生局政務公開（演示）",
        "reviewer, handles applications",
        HEALTH,
        "member",
        ("reviewer", "handler"),
    ),
    Account("demo-land-editor", "地政局編輯（演示）", "department", LAND, "editor"),
    Account(
        "demo-land-reviewer",
        "地政局政務公開（演示）",
        "reviewer, handles applications",
        LAND,
        "member",
        ("reviewer", "handler"),
    ),
    Account("demo-applicant", "申请人（演示）", "applicant"),
    Account("demo-citizen", "市民（演示）", "citizen"),
)


@dataclass(frozen=True)
class Upload:
    """A dataset that a department publishes through the API, with its files."""

    name: str
    title: str
    notes: str
    department: str
    editor: str
    reviewer: str
    files: tuple[tuple[str, str, str], ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


_COMMON = {
    "license_id": "OGDL-Taiwan-1.0",
    "update_cycle": "irregular",
    "acquired_by": "collected",
    "delivery": ["download"],
    "share_class": "unconditional",
}
_LINE = "依桃園市政府公布之資料清單（2018年）製作，原始資料採政府資料開放授權條款－第1版。"
_ITEMS = [
    {"name": "資源代碼", "type": "C", "open": True},
    {"name": "資料名稱", "type": "C", "open": True},
    {"name": "提供機關", "type": "C", "open": True},
    {"name": "更新頻率", "type": "C", "open": True},
    {"name": "格式", "type": "C", "open": True},
    {"name": "更新日期", "type": "D", "open": True},
    {"name": "資訊項數", "type": "N", "open": True},
]
_BASIS = [{"instrument": "中华人民共和国个人信息保护法", "article": "第二十五条", "kind": "law"}]

#: What some regulations ask of a catalogue and the list of the city does not say: departments
#: fill it in where the site's own asks for it.
FILLED_IN = {
    "business": "演示业务",
    "information_system": "演示信息系统",
    "storage_format": "数据库",
    "share_mode": "共享平台接口",
    "share_until": "2035-12-31",
    "resource_type": "departmental",
}

UPLOADS = (
    Upload(
        "demo-social-catalogue",
        "社會局資料目錄（演示檔案）",
        f"社會局於本演示目錄中的全部資料集，一列一項，CSV（UTF-8）與 XLSX。{_LINE}",
        SOCIAL,
        "demo-social-editor",
        "demo-social-reviewer",
        (
            ("catalogue-utf8.csv", "資料目錄 CSV（UTF-8）", "CSV"),
            ("catalogue.xlsx", "資料目錄 XLSX", "XLSX"),
        ),
        {**_COMMON, "open_class": "unconditional", "theme": "公共資訊", "info_items": _ITEMS},
    ),
    Upload(
        "demo-health-catalogue",
        "衛生局資料目錄（演示檔案，GB 18030）",
        f"衛生局於本演示目錄中的全部資料集，CSV 檔以 GB 18030 編碼。{_LINE}",
        HEALTH,
        "demo-health-editor",
        "demo-health-reviewer",
        (("catalogue-gb18030.csv", "資料目錄 CSV（GB 18030）", "CSV"),),
        {**_COMMON, "open_class": "unconditional", "theme": "就醫", "info_items": _ITEMS},
    ),
    Upload(
        "demo-themes",
        "演示目錄各主題資料集數",
        f"本演示目錄各主題的資料集數，JSON 與圖片。{_LINE}",
        SOCIAL,
        "demo-social-editor",
        "demo-social-reviewer",
        (
            ("themes.json", "各主題資料集數 JSON", "JSON"),
            ("themes.png", "各主題資料集數 圖片", "PNG"),
        ),
        {
            **_COMMON,
            "open_class": "unconditional",
            "theme": "公共資訊",
            "info_items": [
                {"name": "名稱", "type": "C", "open": True},
                {"name": "資料集數", "type": "N", "open": True},
            ],
        },
    ),
    Upload(
        "demo-land-catalogue",
        "地政局資料目錄（演示檔案，有條件開放）",
        f"地政局於本演示目錄中的全部資料集；為演示依申請開放而列為有條件開放。{_LINE}",
        LAND,
        "demo-land-editor",
        "demo-land-reviewer",
        (("catalogue-utf8.csv", "資料目錄 CSV（UTF-8）", "CSV"),),
        {
            **_COMMON,
            "delivery": ["on_platform", "interface", "download"],
            "open_class": "conditional",
            "open_condition": "申請人須說明用途，僅得於該用途內使用，不得再提供第三人。",
            "class_reason": "演示：示範依申請開放之流程。",
            "legal_basis": _BASIS,
            "theme": "購屋及遷徒",
            "info_items": _ITEMS,
        },
    ),
    *tuple(
        Upload(
            name,
            title,
            f"演示用：不予開放的資料集，只有提供機關、審查人與數據主管部門看得到。{_LINE}",
            department,
            f"demo-{who}-editor",
            f"demo-{who}-reviewer",
            (),
            {
                **_COMMON,
                "open_class": "non_open",
                "share_class": "none",
                "class_reason": "含有未去識別的個人資料。",
                "legal_basis": _BASIS,
                "theme": "公共資訊",
                "info_items": [{"name": "序號", "type": "N", "open": True}],
            },
        )
        for name, title, department, who in (
            ("demo-social-cases", "社會救助個案名冊（演示，不予開放）", SOCIAL, "social"),
            ("demo-health-cases", "個案關懷紀錄（演示，不予開放）", HEALTH, "health"),
            ("demo-land-owners", "土地所有權人名冊（演示，不予開放）", LAND, "land"),
        )
    ),
)
