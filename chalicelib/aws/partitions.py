"""The partitions of AWS: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html"""

from typing import Final

# All that botocore knows; a test holds this against its list. As a regular expression, for ARNs.
PARTITIONS: Final = "aws|aws-cn|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-us-gov"
