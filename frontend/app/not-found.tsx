import Link from "next/link";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/notes";

export default function NotFound() {
  return (
    <Empty
      title="There is no such page"
      action={
        <Button asChild>
          <Link href="/">To the stage</Link>
        </Button>
      }
    >
      <p>The address may have a slip in it.</p>
    </Empty>
  );
}
