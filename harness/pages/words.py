"""The words of diagrams and pages in English and Portuguese: every key is there in both (a test looks)."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "pt"]
LANGUAGES: tuple[Language, ...] = ("en", "pt")

ROLES: dict[str, dict[Language, tuple[str, str]]] = {
    "edge": {
        "en": ("edge", "Where users come in. It passes requests on to a balancer that is well."),
        "pt": ("borda", "Por onde entram os usuários. Passa as requisições a um balanceador que esteja bem."),
    },
    "balancer": {
        "en": ("balancer", "Shares requests out among the app's replicas that are ready."),
        "pt": ("balanceador", "Divide as requisições entre as réplicas da aplicação que estão prontas."),
    },
    "app": {
        "en": ("app", "The chat API: takes messages, asks an AI provider, keeps conversations."),
        "pt": ("aplicação", "A API de chat: recebe mensagens, pergunta a um provedor de IA, guarda as conversas."),
    },
    "documents": {
        "en": ("document store", "A document store's gateway; what it keeps lies in the database behind it."),
        "pt": ("documentos", "Porta de entrada do banco de documentos; o que ele guarda fica no banco atrás dele."),
    },
    "database": {
        "en": ("database", "Keeps conversations for good. A message counts as taken when it is here."),
        "pt": ("banco de dados", "Guarda as conversas. Uma mensagem só conta como aceita quando está aqui."),
    },
    "consensus": {
        "en": ("consensus", "Holds the vote on which database is the primary."),
        "pt": ("consenso", "Guarda a votação sobre qual banco é o primário."),
    },
    "cache": {
        "en": ("cache", "Keeps what was used last close at hand: a turn's context and the counts of the limits."),
        "pt": ("cache", "Mantém à mão o que foi usado por último: o contexto da conversa e as contas dos limites."),
    },
    "sentinel": {
        "en": ("sentinel", "Watches the caches, says which is the primary and lets another take over."),
        "pt": ("sentinela", "Vigia os caches, diz qual é o primário e promove outro quando ele cai."),
    },
    "autoscaler": {
        "en": ("autoscaler", "Decides how many replicas of the app run."),
        "pt": ("autoscaler", "Decide quantas réplicas da aplicação rodam."),
    },
    "engine-door": {
        "en": ("engine door", "Lets the autoscaler change the number of replicas, and nothing else."),
        "pt": ("porta do motor", "Deixa o autoscaler mudar o número de réplicas, e nada mais."),
    },
    "monitoring": {
        "en": ("monitoring", "Measures, evaluates alert rules, and calls whoever is on call."),
        "pt": ("monitoramento", "Mede, avalia as regras de alerta e chama quem está de plantão."),
    },
    "exporter": {
        "en": ("exporter", "Turns another component's own figures into metrics."),
        "pt": ("exportador", "Transforma os números de outro componente em métricas."),
    },
    "pager": {
        "en": ("pager", "Stands for the telephone of whoever is on call."),
        "pt": ("plantão", "Faz o papel do telefone de quem está de plantão."),
    },
    "provider": {
        "en": ("AI provider", "Somebody else's service that writes the answers; simulated in experiments."),
        "pt": ("provedor de IA", "Serviço de terceiros que escreve as respostas; simulado nos experimentos."),
    },
    "second-provider": {
        "en": ("AI provider, 2nd", "Asked when the first provider fails; simulated in experiments."),
        "pt": ("provedor de IA, 2º", "Consultado quando o primeiro falha; simulado nos experimentos."),
    },
    "third-provider": {
        "en": ("AI provider, 3rd", "Asked when the first two providers fail; simulated in experiments."),
        "pt": ("provedor de IA, 3º", "Consultado quando os dois primeiros falham; simulado nos experimentos."),
    },
    "fourth-provider": {
        "en": ("AI provider, 4th", "Asked when the first three providers fail; simulated in experiments."),
        "pt": ("provedor de IA, 4º", "Consultado quando os três primeiros falham; simulado nos experimentos."),
    },
}

TEXTS: dict[str, dict[Language, str]] = {
    "zone": {"en": "zone", "pt": "zona"},
    "region": {"en": "region", "pt": "região"},
    "outside": {"en": "outside: services of others", "pt": "fora: serviços de terceiros"},
    "legend_single": {"en": "single point of failure", "pt": "ponto único de falha"},
    "legend_arrow": {"en": "names it as a host", "pt": "usa como servidor"},
    "legend_only": {"en": "the only one, aside", "pt": "único, fora do caminho"},
    "legend_aside": {"en": "not on a request's way", "pt": "fora do caminho das requisições"},
    "desc": {
        "en": "{boxes} components in {zones} zones. Requests come in at {entry}. {single}",
        "pt": "{boxes} componentes em {zones} zonas. As requisições entram por {entry}. {single}",
    },
    "desc_single": {"en": "Single points of failure: {names}.", "pt": "Pontos únicos de falha: {names}."},
    "desc_none": {"en": "No single point of failure.", "pt": "Nenhum ponto único de falha."},
    "architecture_of": {"en": "Architecture of {phase}, {title}", "pt": "Arquitetura da {phase}, {title}"},
}


def role_name(role: str, language: Language) -> str:
    """Return a role's name; one that nobody translated is its own name."""
    return ROLES[role][language][0] if role in ROLES else role


def role_says(role: str, language: Language) -> str:
    """Return in a sentence what a role is for; '' for one that nobody described."""
    return ROLES[role][language][1] if role in ROLES else ""


def text(key: str, language: Language, **values: object) -> str:
    """Return a text with its values filled in."""
    return TEXTS[key][language].format(**values)
