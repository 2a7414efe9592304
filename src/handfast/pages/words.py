"""The words of all pages, in English, German and Chinese."""

from collections.abc import Mapping

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""By language tag, in the order of WORDS."""

WORDS: Mapping[str, tuple[str, str, str]] = {
    "another_buyer": (
        "This order is meant for somebody else. Sign in as the person who is to pay it.",
        "Diese Bestellung ist für jemand anderen. Melden Sie sich als die Person an, die sie bezahlen soll.",
        "此订单应由他人支付，请以付款人身份登录。",
    ),
    "back_to_shop": ("Back to the shop", "Zurück zum Händler", "返回商家"),
    "balance": ("Balance", "Guthaben", "余额"),
    "balance_short": (
        "There is not enough money in this wallet. Nothing was paid.",
        "In diesem Guthaben ist nicht genug Geld. Es wurde nichts bezahlt.",
        "余额不足，未扣款。",
    ),
    "bought": ("For", "Für", "商品"),
    "buyer_id": ("Your buyer number", "Ihre Kundennummer", "买家编号"),
    "cancel": ("Do not pay", "Nicht bezahlen", "取消付款"),
    "closed": ("This order is closed", "Diese Bestellung ist geschlossen", "订单已关闭"),
    "closed_words": (
        "The shop closed it, or the time to pay has run out. Nothing was paid.",
        "Der Händler hat sie geschlossen, oder die Zeit zum Bezahlen ist um. Es wurde nichts bezahlt.",
        "商家已关闭订单或付款时间已过，未扣款。",
    ),
    "code_expires": (
        "Works once, for five minutes.",
        "Gilt einmal, fünf Minuten lang.",
        "五分钟内有效，仅可使用一次。",
    ),
    "code_make": ("Show a payment code", "Bezahlcode anzeigen", "显示付款码"),
    "code_new": ("Show a new code", "Neuen Code anzeigen", "刷新付款码"),
    "code_unused": (
        "No till has used this code yet.",
        "Noch hat keine Kasse diesen Code benutzt.",
        "该付款码尚未被使用。",
    ),
    "code_used": ("See what it was used for", "Zeigen, wofür er benutzt wurde", "查看使用结果"),
    "code_used_words": (
        "If the till waits for you, confirm here.",
        "Wenn die Kasse auf Sie wartet, bestätigen Sie hier.",
        "如需您确认付款，请点击此处。",
    ),
    "code_title": ("Payment code", "Bezahlcode", "付款码"),
    "code_words": (
        "Let the till scan this code. Whoever has it can charge your wallet once, so show it to nobody else.",
        (
            "Lassen Sie die Kasse diesen Code scannen. Wer ihn hat, kann Ihr Guthaben einmal belasten: Zeigen Sie ihn "
            "niemandem sonst."
        ),
        "请向收银员出示此码。持有此码者可扣款一次，请勿向他人展示。",
    ),
    "done": ("Paid", "Bezahlt", "支付成功"),
    "done_words": (
        "The shop is being told. You are taken back in a few seconds.",
        "Der Händler wird benachrichtigt. Sie werden in wenigen Sekunden zurückgeleitet.",
        "正在通知商家，几秒后将自动返回。",
    ),
    "done_words_here": (
        "The shop is being told. You can close this page.",
        "Der Händler wird benachrichtigt. Sie können diese Seite schließen.",
        "正在通知商家，您可以关闭此页面。",
    ),
    "expected": ("The string that is signed", "Der unterschriebene Text", "待签名字符串"),
    "find_mistake": ("Check", "Prüfen", "检查"),
    "held": (
        "Your money is held until you have what you bought.",
        "Ihr Geld wird verwahrt, bis Sie Ihre Ware haben.",
        "货款由平台保管，确认收货后再付给卖家。",
    ),
    "in_other_currency": (
        "The price is in {}. It will be exchanged at a rate that stays fixed for this order.",
        "Der Preis ist in {}. Er wird zu einem Kurs umgerechnet, der für diese Bestellung fest bleibt.",
        "价格以 {} 计。将按为本订单锁定的汇率兑换。",
    ),
    "key": ("Public key", "Öffentlicher Schlüssel", "公钥"),
    "key_words": (
        "For a request the app's own public key, for a notification the one that your SDK has as Alipay's.",
        (
            "Bei einer Anfrage der öffentliche Schlüssel der App, bei einer Benachrichtigung der, den Ihr SDK als "
            "den von Alipay hat."
        ),
        "请求请填写应用公钥；通知请填写 SDK 中配置的支付宝公钥。",
    ),
    "left": ("Nothing was paid", "Es wurde nichts bezahlt", "尚未付款"),
    "left_words": (
        "You can still pay, as long as the order is open.",
        "Sie können noch bezahlen, solange die Bestellung offen ist.",
        "在订单有效期内您仍可付款。",
    ),
    "lock_rate": ("Fix the rate for {}", "Kurs für {} festhalten", "锁定 {} 汇率"),
    "not_enough": (
        "There is not enough money in this wallet.",
        "In diesem Guthaben ist nicht genug Geld.",
        "该账户余额不足。",
    ),
    "no_money": (
        "You have no money in your wallet yet.",
        "Sie haben noch kein Guthaben.",
        "您的钱包中没有余额。",
    ),
    "not_found": ("There is no such order", "Diese Bestellung gibt es nicht", "订单不存在"),
    "not_found_words": (
        "Check the address, or go back to the shop and order again.",
        "Prüfen Sie die Adresse, oder bestellen Sie beim Händler noch einmal.",
        "请检查地址，或返回商家重新下单。",
    ),
    "not_yet": (
        "Buyers cannot sign in here yet: that comes with passkeys.",
        "Käufer können sich hier noch nicht anmelden: Das kommt mit Passkeys.",
        "此处暂不支持买家登录，将随通行密钥功能提供。",
    ),
    "notification": (
        "A notification or a return address",
        "Eine Benachrichtigung oder Rückkehradresse",
        "通知或回跳地址",
    ),
    "offered_until": ("Fixed until {} UTC", "Fest bis {} UTC", "锁定至 {} UTC"),
    "order": ("Order", "Bestellung", "订单号"),
    "paid_before": ("This order is paid already", "Diese Bestellung ist schon bezahlt", "订单已支付"),
    "paid_before_words": (
        "Nothing more is taken. If it was not you, ask the shop.",
        "Es wird nichts weiter abgebucht. Wenn Sie das nicht waren, fragen Sie den Händler.",
        "不会重复扣款。如非本人操作，请联系商家。",
    ),
    "pasted": ("What was sent", "Was gesendet wurde", "发送的内容"),
    "pasted_words": (
        "The address with its query, or the form as it came, still encoded.",
        "Die Adresse samt Parametern oder das Formular, wie es kam, noch kodiert.",
        "含参数的完整地址，或未解码的表单原文。",
    ),
    "pay_in": ("Pay in {}", "In {} bezahlen", "使用 {} 支付"),
    "pay_from": ("Pay from", "Bezahlen mit", "付款账户"),
    "pay_now": ("Pay {}", "{} bezahlen", "确认支付 {}"),
    "pay_title": ("Pay", "Bezahlen", "付款"),
    "pin": ("Sandbox PIN", "Sandbox-PIN", "沙箱 PIN"),
    "pin_words": (
        "Six digits, told in sandbox.json.",
        "Sechs Ziffern. Sie stehen in sandbox.json.",
        "六位数字，见 sandbox.json。",
    ),
    "price": ("Price", "Preis", "价格"),
    "rate": ("Rate", "Kurs", "汇率"),
    "rate_over": (
        "The rate was fixed for half an hour, and that is over. Fix it again.",
        "Der Kurs galt eine halbe Stunde, die ist um. Halten Sie ihn neu fest.",
        "汇率锁定已过期，请重新锁定。",
    ),
    "refused": ("That did not work", "Das ging nicht", "操作未成功"),
    "request": ("A request", "Eine Anfrage", "请求"),
    "sandbox": ("Sandbox: no real money", "Sandbox: kein echtes Geld", "沙箱环境：非真实资金"),
    "scan": ("Or pay with your phone", "Oder mit dem Telefon bezahlen", "或使用手机扫码付款"),
    "scan_words": (
        "Scan this code, and sign in there.",
        "Scannen Sie diesen Code, und melden Sie sich dort an.",
        "扫描二维码并在手机上登录。",
    ),
    "selftest_title": ("Check a signature", "Unterschrift prüfen", "签名自检"),
    "selftest_words": (
        (
            "Paste what was sent and the public key that should fit. You see the string that is signed, and what went "
            "wrong. Nothing is kept, and no private key is needed: never paste one."
        ),
        (
            "Fügen Sie ein, was gesendet wurde, und den öffentlichen Schlüssel, der passen soll. Sie sehen den "
            "unterschriebenen Text und den Fehler. Nichts wird aufbewahrt, und kein privater Schlüssel wird gebraucht: "
            "Fügen Sie nie einen ein."
        ),
        "粘贴发送的内容和对应的公钥，即可看到待签名字符串及错误原因。内容不会保存；无需私钥，切勿粘贴私钥。",
    ),
    "sign_in": ("Sign in", "Anmelden", "登录"),
    "sign_in_failed": (
        "Number and PIN do not fit together.",
        "Nummer und PIN passen nicht zusammen.",
        "编号与 PIN 不匹配。",
    ),
    "sign_in_later": (
        "Too many attempts. Try again in five minutes.",
        "Zu viele Versuche. Versuchen Sie es in fünf Minuten wieder.",
        "尝试次数过多，请五分钟后再试。",
    ),
    "sign_out": ("Sign out", "Abmelden", "退出"),
    "signed_in_as": ("Signed in as", "Angemeldet als", "当前用户"),
    "stale": (
        "This page was open for too long. Go back, reload it and try again.",
        "Diese Seite war zu lange offen. Gehen Sie zurück, laden Sie sie neu und versuchen Sie es noch einmal.",
        "页面已过期，请返回并刷新后重试。",
    ),
    "suspended": (
        "This account cannot pay at present.",
        "Dieses Konto kann derzeit nicht bezahlen.",
        "该账户目前无法付款。",
    ),
    "to": ("To", "An", "收款方"),
    "total": ("Total", "Gesamt", "合计"),
    "try_again": ("Back to the order", "Zurück zur Bestellung", "返回订单"),
    "what": ("What was pasted is", "Das Eingefügte ist", "粘贴内容类型"),
}
"""By name: each in the order of LANGUAGES. Two braces stand for what is put in."""
