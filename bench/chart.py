"""Tables and charts as text, and what a target is."""
import statistics


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def cell(value, form):
    return f"{value['median']:{form}} ({value['min']:{form}}–{value['max']:{form}})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def bars(title, rows, form, width=40):
    """rows: (name, value).  The longest bar has `width` blocks; one that would dwarf the others is cut."""
    values = sorted(value for _, value in rows)
    longest = (min(values[-1], 2 * values[-2]) if len(values) > 2 else values[-1]) or 1
    names = max(len(name) for name, _ in rows)
    lines = [title]
    for name, value in rows:
        blocks = max(1 if value else 0, round(min(value / longest, 1) * width))
        lines.append(f"  {name:<{names}}  {'█' * blocks}{'▒▒' if value > longest else ''} {value:{form}}")
    return "```\n" + "\n".join(lines) + "\n```\n"


def target(what, limit, value, form, at_least=False):
    """One line of the table of targets."""
    return {"what": what, "limit": ("≥ " if at_least else "≤ ") + limit_text(limit), "value": f"{value:{form}}",
            "met": value >= limit if at_least else value <= limit}


def limit_text(limit):
    return f"{limit:,}" if isinstance(limit, int) else f"{limit}"


def targets(rows):
    return table(["target", "limit", "found", "met"],
                 [(row["what"], row["limit"], row["value"], "yes" if row["met"] else "**no**") for row in rows])
