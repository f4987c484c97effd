// A program that knows nothing of credvend: it prints the ids of its EC2 instances, or why it cannot.
import { EC2Client, paginateDescribeInstances } from "@aws-sdk/client-ec2";

try {
  for await (const page of paginateDescribeInstances({ client: new EC2Client() }, {})) {
    for (const { Instances } of page.Reservations ?? []) {
      for (const { InstanceId } of Instances) console.log(InstanceId);
    }
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
