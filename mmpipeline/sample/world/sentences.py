"""Sentences of cooks that say nothing about the dish, in both languages.

`{0}` stands for a list of ingredients. Which phrase is taken follows from the cook and from chance.
"""

STYLES = {
    "ko": (
        "초간단", "엄마표", "집밥", "온가족이 좋아하는", "자취생",
        "남편이 반한", "시어머니께 배운", "퇴근 후 후다닥", "손님상에 올리는", "입맛 없을 때",
        "캠핑장 인기만점", "칭찬받은", "두고두고 생각나는", "야밤에 당기는", "술술 넘어가는",
    ),
    "en": (
        "Easy", "Weeknight", "Grandma's", "The Best", "Homemade",
        "Lazy Sunday", "Crowd Pleasing", "Cozy", "Budget Friendly", "Company Worthy",
        "Church Potluck", "Award Winning", "Go To", "Picky Eater Approved", "Nonna Approved",
    ),
}  # fmt: skip
ENDINGS = {
    "ko": (
        "만들기", "황금레시피", "만드는 법",
        "해봤어요", "후딱 차려내기", "자세히 알려드려요", "이 맛이지", "실패 없이", "^^", "~",
    ),
    "en": (
        "Recipe", "for Beginners", "(Step by Step)",
        "You Will Crave", "Everyone Loves", "Worth Repeating", "(Freezer Friendly)", "Revisited",
        "from Scratch",
    ),
}  # fmt: skip
NOTES = ("", "", "", ", chopped", ", divided", ", or more to taste", " (optional)")
PREPARE = {
    "ko": (
        "{0} 깨끗이 씻어 먹기 좋은 크기로 썬다.", "먼저 {0} 손질해서 준비해 주세요.",
        "{0} 한입 크기로 잘라 둔다.",
        "{0} 키친타월로 물기를 닦고 준비합니다.",
    ),
    "en": (
        "Wash {0} and cut into bite-size pieces.", "First, get {0} ready.",
        "Trim {0} and set aside.",
        "Pat {0} dry and cut everything to the same size.",
    ),
}  # fmt: skip
SEASON = {
    "ko": (
        "볼에 {0} 섞어 양념을 만든다.",
        "{0} 분량대로 넣고 고루 섞어 주세요.",
        "간은 {0} 넣어 맞춘다.",
    ),
    "en": ("Whisk {0} together in a small bowl.", "Season with {0}.", "Stir in {0} and taste."),
}
FINISH = {
    "ko": (
        "그릇에 담아내면 완성입니다.",
        "마지막으로 간을 보고 불을 끈다.",
        "예쁘게 담아 맛있게 드세요~",
    ),
    "en": ("Serve hot.", "Taste, adjust and turn off the heat.", "Plate it up and enjoy!"),
}
ASIDES = {
    "ko": (
        "재료는 미리 모두 꺼내 두면 편합니다.", "주방을 깨끗이 정리하고 시작해요.",
        "사진처럼 넉넉한 그릇을 준비합니다.", "아이들이 옆에서 기다리고 있네요.",
        "중간중간 간을 보면서 조절해 주세요.", "저는 조금 더 익히는 편이에요.",
        "취향에 따라 양을 늘리거나 줄여도 됩니다.", "설거지는 바로바로 하는 게 좋아요.",
        "불 조절이 어려우면 약하게 시작하세요.", "시간이 없을 때는 이 과정을 건너뛰어도 돼요.",
        "남은 것은 밀폐용기에 담아 냉장 보관합니다.", "하루 전날 준비해 두면 더 간편합니다.",
        "어느새 부엌에 맛있는 냄새가 가득해요.", "처음 하시는 분은 천천히 따라오세요.",
        "블로그 이웃님이 알려주신 방법이에요.", "물기가 남지 않도록 한 번 더 확인합니다.",
    ),
    "en": (
        "Read the whole page before you start.", "Set everything out on the counter.",
        "Clear some space and put on your apron.", "My kids always wait around for this part.",
        "Keep tasting and adjust as you go.", "I usually leave it a little longer.",
        "Use more or less, depending on your mood.", "Do the dishes while you wait.",
        "Start low if you do not trust your stove.", "Short on time? Skip this one.",
        "Leftovers keep well in an airtight container.", "Prepare it the day before if you like.",
        "By now the kitchen should smell wonderful.", "Take your time if it is your first try.",
        "A neighbor taught me this little trick.", "Check once more that no moisture is left.",
    ),
}  # fmt: skip
HEADERS = (
    ("[재료]", "[양념]"),
    ("[필수재료]", "[양념장]"),
    ("[주재료]", "[양념재료 ]"),
    ("[재료 (2인분)]", "[양념]"),
)
