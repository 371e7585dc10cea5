"""Words of public-sector text, in Chinese and English, that the shipped rules go by. Hearth's own.

They are a start, not a taxonomy: a recipe that names its own replaces them.
"""

from __future__ import annotations

from typing import Final


def _words(*lines: str) -> tuple[str, ...]:
    """Return the words of lines; those of one term are joined by low lines."""
    return tuple(word.replace("_", " ") for line in lines for word in line.split())


TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "administration": _words(
        "行政审批 行政许可 政务服务 政务公开 办事指南 机关 公务员 administrative civil_servant",
        "public_administration government_service",
    ),
    "agriculture": _words(
        "农业 农村 农民 粮食 耕地 种植 畜牧 渔业 乡村振兴 agriculture farmer crop livestock",
        "fisheries rural",
    ),
    "computing": _words(
        "软件 操作系统 命令 内核 网络 数据库 服务器 软件包 编程 software operating_system command",
        "kernel network database server package file_system programming",
    ),
    "economy": _words(
        "经济 产业 企业 市场监管 投资 贸易 消费者 招标 采购 economy industry enterprise trade",
        "investment procurement consumer",
    ),
    "education": _words(
        "教育 学校 教师 学生 高校 招生 课程 义务教育 education school teacher student university",
        "curriculum",
    ),
    "environment": _words(
        "环境保护 生态 污染 排放 水资源 气候 节能 碳达峰 碳中和 environment pollution emission",
        "climate biodiversity water_quality",
    ),
    "finance": _words(
        "财政 预算 税收 纳税人 增值税 发票 银行 金融 审计 budget tax taxpayer fiscal bank audit",
        "finance",
    ),
    "health": _words(
        "医疗 卫生 医院 患者 疾病 药品 疫苗 医保 公共卫生 health hospital patient disease medicine",
        "vaccine medical",
    ),
    "housing": _words(
        "住房 城乡建设 房屋 物业 公积金 租赁 规划 建筑 housing building construction tenant",
        "urban_planning",
    ),
    "justice": _words(
        "法院 检察院 诉讼 判决 被告 原告 律师 仲裁 司法 行政复议 court judgment plaintiff",
        "defendant lawsuit arbitration prosecutor",
    ),
    "safety": _words(
        "公安 应急 消防 安全生产 事故 灾害 治安 police emergency fire_safety disaster accident",
        "public_security",
    ),
    "transport": _words(
        "交通 公路 铁路 机动车 驾驶 航空 港口 运输 transport road railway vehicle driver aviation",
        "port",
    ),
    "welfare": _words(
        "社会保障 社会保险 养老 失业 就业 低保 工伤 残疾人 劳动合同 social_security pension",
        "unemployment employment welfare disability",
    ),
}

_PROVINCES: Final = {
    "CN-AH": "安徽省", "CN-BJ": "北京市", "CN-CQ": "重庆市", "CN-FJ": "福建省", "CN-GD": "广东省",
    "CN-GS": "甘肃省", "CN-GX": "广西壮族自治区", "CN-GZ": "贵州省", "CN-HA": "河南省",
    "CN-HB": "湖北省", "CN-HE": "河北省", "CN-HI": "海南省", "CN-HL": "黑龙江省",
    "CN-HN": "湖南省", "CN-JL": "吉林省", "CN-JS": "江苏省", "CN-JX": "江西省", "CN-LN": "辽宁省",
    "CN-NM": "内蒙古自治区", "CN-NX": "宁夏回族自治区", "CN-QH": "青海省", "CN-SC": "四川省",
    "CN-SD": "山东省", "CN-SH": "上海市", "CN-SN": "陕西省", "CN-SX": "山西省", "CN-TJ": "天津市",
    "CN-XJ": "新疆维吾尔自治区", "CN-XZ": "西藏自治区", "CN-YN": "云南省", "CN-ZJ": "浙江省",
}  # fmt: skip
"""ISO 3166-2. A region is told by its bodies: its bare name stands in anybody's text."""

_BODIES: Final = ("人民政府", "人民代表大会", "高级人民法院", "人民检察院")

JURISDICTIONS: Final[dict[str, tuple[str, ...]]] = {
    "CN": (
        "中华人民共和国", "国务院", "全国人民代表大会", "最高人民法院", "最高人民检察院",
        "国家税务总局", "国家市场监督管理总局", "国家互联网信息办公室",
        "People's Republic of China", "State Council",
    ),
    "HK": ("香港特别行政区", "Hong Kong Special Administrative Region"),
    "MO": ("澳门特别行政区", "Macao Special Administrative Region"),
    "EU": ("欧洲联盟", "欧盟委员会", "European Union", "European Commission", "Regulation (EU)"),
    "GB": ("United Kingdom", "HM Government", "Act of Parliament", "House of Commons"),
    "US": ("United States Code", "Federal Register", "U.S.C.", "Code of Federal Regulations"),
    **{
        code: tuple(f"{name}{body}" for body in _BODIES) for code, name in _PROVINCES.items()
    },
}  # fmt: skip
"""Code → issuing bodies and words that only its texts are full of."""
