"""The seed's own signs: every sentence that says when to use a version or to move on to it, with the line it stands on.

A sign that only people can see (growth, complaints, compliance) is `None`: not known, and never counted as seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """What somebody asks for. Money in dollars: `downtime_cost` an hour, `budget` a month; `sla` is a share."""

    users: int
    downtime_cost: float
    team: int
    budget: float | None = None
    sla: float | None = None


@dataclass(frozen=True)
class Sign:
    """A sentence of the seed for `phase`, word for word, and how to see whether it applies.

    One that does not `push` allows a version without calling for it: a team that could run it is no reason to.
    """

    phase: str
    line: int
    quote: str
    says: str
    applies: Callable[[Needs], bool | None]
    pushes: bool = True


@dataclass(frozen=True)
class Seen:
    """A sign, held against what is needed. `applies` None: nobody said."""

    sign: Sign
    applies: bool | None


def _unknown(needs: Needs) -> None:
    return None


LATENCY_LINE = 162  # the one sign that a run can see

SIGNS: tuple[Sign, ...] = (
    Sign("v1", 155, "Você está testando uma ideia nova", "a new idea is being tried out", _unknown),
    Sign("v1", 156, "Tem poucos usuários (menos de 100)", "fewer than 100 users", lambda n: n.users < 100),
    Sign(
        "v1",
        157,
        "Budget limitado (menos de $500/mês)",
        "a budget of less than $500 a month",
        lambda n: None if n.budget is None else n.budget < 500,
    ),
    Sign("v1", 158, "Time pequeno (1-2 pessoas)", "a team of one or two", lambda n: n.team <= 2),
    Sign("v2", 161, "Começar a ter usuários regulares", "there are regular users", _unknown),
    Sign("v2", LATENCY_LINE, "Latência ficar alta (mais de 5 segundos)", "latency is above 5 s", _unknown),
    Sign("v2", 163, "Usuários reclamarem de instabilidade", "users complain of instability", _unknown),
    Sign("v2", 164, "Crescendo 20%+ ao mês", "growing by 20 % a month", _unknown),
    Sign(
        "v2",
        197,
        "Quando atingir 50+ usuários ativos diários",
        "50 active users a day (so many at once are at least as many a day)",
        lambda n: True if n.users >= 50 else None,
    ),
    Sign("v2", 202, "Sistema lento ou fora do ar frequentemente", "slow, or often off the air", _unknown),
    Sign(
        "v3",
        167,
        "Assinaram contrato com SLA (garantia de funcionamento)",
        "a contract with an SLA is signed",
        lambda n: True if n.sla is not None else None,
    ),
    Sign("v3", 168, "Perder clientes por causa de quedas", "customers leave because of outages", _unknown),
    Sign("v3", 169, "Precisar de relatórios e compliance", "reports and compliance are needed", _unknown),
    Sign(
        "v3",
        170,
        "Time cresceu e pode gerenciar complexidade",
        "the team has grown (5 and more)",
        lambda n: n.team >= 5,
        pushes=False,
    ),
    Sign(
        "v3",
        198,
        "Quando precisar de SLA contratual ou compliance",
        "an SLA by contract, or compliance, is needed",
        lambda n: True if n.sla is not None else None,
    ),
    Sign("v3", 203, "Clientes exigindo garantias contratuais", "customers ask for guarantees", _unknown),
    Sign(
        "v4",
        173,
        "Cada hora parada custa +$10.000",
        "an hour off the air costs $10,000",
        lambda n: n.downtime_cost > 10_000,
    ),
    Sign("v4", 174, "Atende setores críticos (banco, saúde, emergência)", "it serves critical sectors", _unknown),
    Sign("v4", 175, "Competindo com gigantes da tecnologia", "it competes with giants of technology", _unknown),
    Sign(
        "v4",
        176,
        "Tem time especializado (15+ pessoas)",
        "a specialised team of 15 and more",
        lambda n: n.team >= 15,
        pushes=False,
    ),
    Sign(
        "v4",
        199,
        "Apenas se downtime custar mais que $10k/hora",
        "downtime costs more than $10,000 an hour",
        lambda n: n.downtime_cost > 10_000,
    ),
    Sign("v4", 204, "Multas regulatórias ou perda de receita significativa", "fines, or much revenue lost", _unknown),
)


def read_signs(needs: Needs, seen: Mapping[int, bool]) -> list[Seen]:
    """Hold every sign against what is needed, and against what runs saw, by the sign's line."""
    return [Seen(sign, seen.get(sign.line, sign.applies(needs))) for sign in SIGNS]
