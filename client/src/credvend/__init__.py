"""credvend: short-lived AWS credentials from a credvend service.

import credvend

s3 = credvend.session("reports").client("s3")
credentials = credvend.credentials("reports")
"""

__version__ = "0.1.0"
