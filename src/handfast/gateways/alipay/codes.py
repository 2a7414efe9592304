"""The gateway's codes as data: every sub_code that Handfast may answer with, what it means, and the code above it.

Public codes: the vendor's page "public error codes" (common/02km9f) and, for v3, open-v3/054fcv. Business codes: the
tables of each method. Spellings such as `isp.unknow-error` are the vendor's.
"""

from collections.abc import Mapping

SUCCESS = "10000"
WAITING = "10003"
"""A barcode payment waits for the buyer's password: the merchant polls."""

MESSAGES: Mapping[str, str] = {
    SUCCESS: "Success",
    WAITING: "order success pay inprocess",
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}
"""`msg` by `code`."""

PUBLIC: Mapping[str, Mapping[str, str]] = {
    "20000": {
        "isp.unknow-error": "the service is not available now: ask again, and query what became of it first",
        "aop.unknow-error": "the gateway is not available now: ask again, and query what became of it first",
    },
    "20001": {
        "aop.invalid-auth-token": "the access token is not valid",
        "aop.auth-token-time-out": "the access token has expired",
        "aop.invalid-app-auth-token": "the app authorisation token is not valid",
    },
    "40001": {
        "isv.missing-method": "the parameter method is missing",
        "isv.missing-signature": "the parameter sign is missing",
        "isv.missing-signature-type": "the parameter sign_type is missing",
        "isv.missing-signature-key": "no public key was registered for this app",
        "isv.missing-app-id": "the parameter app_id is missing",
        "isv.missing-timestamp": "the parameter timestamp is missing",
        "isv.missing-version": "the parameter version is missing",
        "isv.decryption-error-missing-encrypt-type": "biz_content is encrypted, and encrypt_type is missing",
    },
    "40002": {
        "isv.invalid-parameter": "a parameter is not valid",
        "isv.invalid-method": "there is no such method",
        "isv.invalid-format": "format is json or nothing",
        "isv.invalid-signature-type": "sign_type is RSA2 or RSA",
        "isv.invalid-signature": "the signature does not fit what it signs",
        "isv.invalid-app-id": "there is no such app",
        "isv.invalid-timestamp": "timestamp is yyyy-MM-dd HH:mm:ss in GMT+8, no more than a day off",
        "isv.invalid-charset": "charset is utf-8, gbk, gb2312 or gb18030, and everything is written in it",
        "isv.invalid-content-type": "send the parameters as application/x-www-form-urlencoded",
        "isv.illegal-json": "this is not JSON as it is read here",
        "isv.code-invalid": "the authorisation code is not valid, was used, or has expired",
        "isv.grant-type-invalid": "grant_type is authorization_code or refresh_token",
        "isv.refresh-token-invalid": "the refresh token is not valid or was used",
        "isv.refresh-token-time-out": "the refresh token has expired",
        "isv.missing-app-cert-sn": "the parameter app_cert_sn is missing: this app signs with a certificate",
        "isv.missing-alipay-root-cert-sn": "the parameter alipay_root_cert_sn is missing or names other roots",
        "isv.app-cert-expired": "the app's certificate is not valid now",
        "isv.decryption-error-not-valid-encrypt-type": "encrypt_type is AES",
        "isv.decryption-error-not-valid-encrypt-key": "this app has no AES key",
        "isv.decryption-error-unknown": "biz_content could not be decrypted with this app's AES key",
    },
    "40005": {
        "isv.app-call-limited": "this app calls too often",
    },
    "40006": {
        "isv.insufficient-isv-permissions": "this app may not call this method",
        "isv.insufficient-user-permissions": "the user did not allow this app to do that",
    },
}
"""What is meant by each `sub_code` that any method may answer with, by `code`."""

BUSINESS: Mapping[str, str] = {
    "ACQ.ACCESS_FORBIDDEN": "this app may not use this product",
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": "more would be shared than there is to share",
    "ACQ.AUTH_AMOUNT_NOT_ENOUGH": "less is left of what was frozen",
    "ACQ.AUTH_NO_ERROR": "there is no such authorisation, or it is not frozen",
    "ACQ.BUYER_BALANCE_NOT_ENOUGH": "the buyer's balance is too low",
    "ACQ.BUYER_SELLER_EQUAL": "buyer and seller are the same",
    "ACQ.CONTEXT_INCONSISTENT": "an order with this out_trade_no exists, and it is not the same order",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "a request with this out_request_no exists, and it is not the same request",
    "ACQ.INVALID_PARAMETER": "a parameter is not valid",
    "ACQ.PAYMENT_AUTH_CODE_INVALID": "the payment code is not valid, was used, or has expired",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "more would be refunded than was paid",
    "ACQ.REASON_TRADE_STATUS_INVALID": "the trade's state does not allow this",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "a part can be refunded only with an out_request_no",
    "ACQ.ROYALTY_RECEIVER_INVALID": "the receiver is not bound to this seller",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "the seller's balance is too low",
    "ACQ.SYSTEM_ERROR": "the outcome is unknown: query it",
    "ACQ.TOTAL_FEE_EXCEED": "the amount is over the limit",
    "ACQ.TRADE_BUYER_NOT_MATCH": "the trade is another buyer's",
    "ACQ.TRADE_HAS_CLOSE": "the trade is closed",
    "ACQ.TRADE_HAS_FINISHED": "the trade is finished",
    "ACQ.TRADE_HAS_SUCCESS": "the trade is paid",
    "ACQ.TRADE_NOT_EXIST": "there is no such trade",
    "ACQ.TRADE_SETTLE_ERROR": "the trade cannot be settled so",
    "ACQ.TRADE_STATUS_ERROR": "the trade's state does not allow this",
    "AUTH_OPERATION_NOT_EXIST": "there is no such operation of this authorisation",
    "AUTH_ORDER_NOT_EXIST": "there is no such authorisation",
    "BILL_NOT_EXIST": "there is no bill for that day",
    "INVALID_PARAMETER": "a parameter is not valid",
    "ORDER_ALREADY_CLOSED": "the authorisation is closed",
    "ORDER_ALREADY_FINISH": "the authorisation is finished: nothing is frozen any more",
    "ORDER_NOT_EXIST": "there is no such transfer",
    "PAYEE_USERINFO_STATUS_ERROR": "the payee may not be paid",
    "PAYEE_USER_INFO_ERROR": "the payee has another name",
    "PAYER_PAYEE_CANNOT_SAME": "payer and payee are the same",
    "PAYEE_NOT_EXIST": "there is no such payee",
    "PAYER_BALANCE_NOT_ENOUGH": "the payer's balance is too low",
    "PAYMENT_INFO_INCONSISTENCY": "a transfer with this out_biz_no exists, and it is not the same transfer",
    "PAYMENT_AUTH_CODE_INVALID": "the payment code is not valid, was used, or has expired",
    "REQUEST_AMOUNT_EXCEED": "less is left of what was frozen",
    "SYSTEM_ERROR": "the outcome is unknown: query it",
    "UNIQUE_VIOLATION": "a request with this number exists, and it is not the same request",
}
"""What is meant by each `sub_code` of 40004."""

SUB_CODES: Mapping[str, tuple[str, str]] = {
    **{sub_code: (code, meaning) for code, group in PUBLIC.items() for sub_code, meaning in group.items()},
    **{sub_code: ("40004", meaning) for sub_code, meaning in BUSINESS.items()},
}
"""`code` and meaning by `sub_code`."""


class Refused(Exception):
    """A no as this gateway says it: a documented `sub_code`, the `code` above it, and words for people."""

    def __init__(self, sub_code: str, message: str | None = None) -> None:
        self.code, meaning = SUB_CODES[sub_code]
        self.sub_code = sub_code
        self.message = message or meaning
        super().__init__(sub_code, self.message)

    @property
    def status(self) -> int:
        """The HTTP status in v3 (open-v3/054fcv); in protocol 1.0 it is always 200."""
        return _STATUS.get(self.code, 400)

    @property
    def v3_code(self) -> str:
        """The code in v3: public ones lose their prefix."""
        prefix, _, rest = self.sub_code.partition(".")
        return rest if prefix in _PREFIXES else self.sub_code


_PREFIXES = frozenset({"aop", "isp", "isv"})
_STATUS: Mapping[str, int] = {"20000": 500, "20001": 401, "40005": 429, "40006": 401}
