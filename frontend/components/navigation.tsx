"use client";
import { useEffect, useState, type ReactNode } from "react";
import Link from "next/link";
import { usePathname, useSearchParams } from "next/navigation";
import { Suspense } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { BookOpen, History, KeyRound, LogOut, Menu, Moon, PiggyBank, Plus, Sun, Theater, X } from "lucide-react";
import { signOut } from "@/lib/api";
import { cx } from "@/lib/cx";
import type { Connection } from "@/lib/live";
import { useStatus } from "@/lib/queries";
import { BypassSwitch } from "./bypass";
import { PhaseDot } from "./phase";
import { Button } from "./ui/button";

const pages = [
  { href: "/", name: "Stage", icon: Theater },
  { href: "/savings", name: "Savings", icon: PiggyBank },
  { href: "/activity", name: "Activity", icon: History },
  { href: "/keys", name: "Keys", icon: KeyRound },
];

/** The way about: a column beside wide pages, a bar with a menu above narrow ones. */
export function Navigation({ connection }: { connection: Connection }) {
  const [open, setOpen] = useState(false);
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-paper lg:h-dvh lg:border-r lg:border-b-0">
      <div className="flex h-14 items-center gap-3 px-4 lg:h-auto lg:px-5 lg:pt-7 lg:pb-5">
        <Link href="/" className="flex items-center gap-2.5 font-semibold tracking-tight">
          {/* eslint-disable-next-line @next/next/no-img-element -- there is nothing to optimise in an SVG */}
          <img src="/icon.svg" alt="" className="size-6" />
          Understudy
        </Link>
        <Live connection={connection} />
        <Button look="quiet" size="icon" className="lg:hidden" aria-expanded={open} aria-controls="menu" aria-label="Menu" onClick={() => setOpen(!open)}>
          {open ? <X className="size-5" aria-hidden /> : <Menu className="size-5" aria-hidden />}
        </Button>
      </div>
      <div id="menu" className={cx("max-h-[calc(100dvh-3.5rem)] overflow-y-auto px-3 pb-4 lg:flex lg:h-[calc(100dvh-5.5rem)] lg:max-h-none lg:flex-col", !open && "hidden")}>
        <Suspense>
          <Links onFollow={() => setOpen(false)} />
        </Suspense>
        <Foot />
      </div>
    </header>
  );
}

function Live({ connection }: { connection: Connection }) {
  const words = { connecting: "Connecting", live: "Live", lost: "Reconnecting" }[connection];
  return (
    <span role="status" className="ml-auto flex items-center gap-1.5 text-xs text-muted">
      <span aria-hidden className={cx("size-1.5 rounded-full", connection === "live" ? "bg-accent" : "breathe bg-warn")} />
      {words}
    </span>
  );
}

function Links({ onFollow }: { onFollow: () => void }) {
  const path = usePathname();
  const selected = useSearchParams().get("name");
  const { data: status } = useStatus();
  const endpoints = status?.endpoints ?? [];
  return (
    <nav aria-label="Pages" className="grid gap-0.5">
      {pages.map(({ href, name, icon: Icon }) => (
        <Item key={href} href={href} current={path === href} onFollow={onFollow}>
          <Icon className="size-4 text-muted" aria-hidden />
          {name}
        </Item>
      ))}
      <div className="mt-5 mb-1 flex items-center justify-between pr-1 pl-2.5">
        <h2 className="text-xs font-medium text-muted">Endpoints</h2>
        <Link href="/new" onClick={onFollow} aria-label="New endpoint" title="New endpoint" className="grid size-7 place-items-center rounded-md text-muted hover:bg-sunken hover:text-ink">
          <Plus className="size-4" aria-hidden />
        </Link>
      </div>
      {endpoints.map((e) => (
        <Item key={e.name} href={`/endpoint?name=${e.name}`} current={path === "/endpoint" && selected === e.name} onFollow={onFollow}>
          <PhaseDot phase={e.phase} verdict={e.model?.verdict} />
          <span className="truncate">{e.name}</span>
        </Item>
      ))}
      {endpoints.length === 0 && <p className="px-2.5 text-sm text-muted">None yet</p>}
    </nav>
  );
}

function Item({ href, current, onFollow, children }: { href: string; current: boolean; onFollow: () => void; children: ReactNode }) {
  return (
    <Link
      href={href}
      onClick={onFollow}
      aria-current={current ? "page" : undefined}
      className="flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 text-sm hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:font-semibold"
    >
      {children}
    </Link>
  );
}

function Foot() {
  const queries = useQueryClient();
  const { data: status } = useStatus();
  const leave = async () => {
    await signOut();
    await queries.resetQueries();
  };
  return (
    <div className="mt-6 grid gap-3 lg:mt-auto lg:pt-6">
      {status && status.endpoints.length > 0 && (
        <div className="rounded-lg border border-line bg-panel p-3">
          <BypassSwitch />
        </div>
      )}
      <div className="flex items-center gap-0.5 px-1">
        <ThemeButton />
        <Button look="quiet" size="icon" aria-label="API documentation" title="API documentation" asChild>
          <a href="/docs/">
            <BookOpen className="size-4" aria-hidden />
          </a>
        </Button>
        <Button look="quiet" size="icon" aria-label="Sign out" title="Sign out" onClick={() => void leave()}>
          <LogOut className="size-4" aria-hidden />
        </Button>
        <span className="ml-auto truncate pl-2 text-xs text-muted" title={`Version ${status?.version}, ${status?.mode} mode`}>
          {status?.mode}
        </span>
      </div>
    </div>
  );
}

function ThemeButton() {
  const [dark, setDark] = useState<boolean>();
  useEffect(() => {
    const root = document.documentElement;
    const read = () => setDark(root.dataset.theme === "dark");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      if (!localStorage.getItem("theme")) root.dataset.theme = system.matches ? "dark" : "light";
      read();
    };
    read();
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const toggle = () => {
    const theme = dark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!dark);
  };
  const name = dark ? "Light theme" : "Dark theme";
  return (
    <Button look="quiet" size="icon" aria-label={name} title={name} onClick={toggle}>
      {dark ? <Sun className="size-4" aria-hidden /> : <Moon className="size-4" aria-hidden />}
    </Button>
  );
}
