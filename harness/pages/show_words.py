"""The words of the pages of results, by language."""

from __future__ import annotations

from harness.pages.words import Language

SHOW: dict[str, dict[Language, str]] = {
    "architectures": {"en": "Architectures", "pt": "Arquiteturas"},
    "list_title": {"en": "Measured campaigns", "pt": "Campanhas medidas"},
    "list_intro": {
        "en": "One call of make experiment each, newest first. Everything shown is read from the files of results.",
        "pt": "Cada uma é uma chamada de make experiment, da mais nova à mais antiga. "
        "Tudo o que aparece é lido dos arquivos de resultados.",
    },
    "nothing": {
        "en": "No campaign is stored here yet: make experiment PHASE=v1 makes one.",
        "pt": "Ainda não há campanhas guardadas aqui: make experiment PHASE=v1 faz uma.",
    },
    "campaign": {"en": "Campaign", "pt": "Campanha"},
    "phase": {"en": "Version", "pt": "Versão"},
    "started": {"en": "Started (UTC)", "pt": "Início (UTC)"},
    "runs": {"en": "Runs", "pt": "Execuções"},
    "verdict": {"en": "Verdict", "pt": "Veredito"},
    "valid": {"en": "Instrument", "pt": "Instrumento"},
    "valid_yes": {"en": "valid", "pt": "válido"},
    "valid_no": {"en": "failed", "pt": "falhou"},
    "committed": {
        "en": "came with the code (docs/reference), measured on another machine",
        "pt": "veio com o código (docs/reference), medida em outra máquina",
    },
    "compare": {"en": "Compare two campaigns", "pt": "Comparar duas campanhas"},
    "first": {"en": "First", "pt": "Primeira"},
    "second_one": {"en": "Second", "pt": "Segunda"},
    "do_compare": {"en": "Compare", "pt": "Comparar"},
    "report": {"en": "The whole report", "pt": "O relatório completo"},
    "source": {"en": "All figures: ", "pt": "Todos os números: "},
    "command": {"en": "Repeat it with", "pt": "Repita com"},
    "claims": {"en": "Claims", "pt": "Afirmações"},
    "claim": {"en": "Claim", "pt": "Afirmação"},
    "measured": {"en": "Measured", "pt": "Medido"},
    "run": {"en": "Run", "pt": "Execução"},
    "experiment": {"en": "Experiment", "pt": "Experimento"},
    "arrivals": {"en": "Arrivals", "pt": "Chegadas"},
    "available": {"en": "Available (95 %)", "pt": "Disponível (95 %)"},
    "p95": {"en": "p95, ms", "pt": "p95, ms"},
    "lost": {"en": "Messages lost", "pt": "Mensagens perdidas"},
    "faults": {"en": "Faults", "pt": "Falhas"},
    "chart": {
        "en": "Requests of {run} by when they were due: {good} good and {bad} bad ones.",
        "pt": "Requisições de {run} pelo momento previsto: {good} boas e {bad} ruins.",
    },
    "no_arrivals": {"en": "no stored arrivals", "pt": "sem chegadas guardadas"},
    "void": {"en": "void", "pt": "nula"},
    "compare_title": {"en": "Two campaigns side by side", "pt": "Duas campanhas lado a lado"},
    "compare_intro": {
        "en": "Figures of each experiment as they are stored, one run beside the other. It is no judgement: "
        "make compare judges, and says what was not asked the same.",
        "pt": "Números de cada experimento como estão guardados, uma execução ao lado da outra. Não é um julgamento: "
        "make compare julga, e diz o que não foi perguntado da mesma forma.",
    },
    "not_run": {"en": "not run", "pt": "não executado"},
    "missing_title": {"en": "Not found", "pt": "Não encontrado"},
    "missing": {"en": "There is no such result here.", "pt": "Não há tal resultado aqui."},
}


def show_words(language: Language) -> dict[str, str]:
    """Return all words of a language, by key."""
    return {key: said[language] for key, said in SHOW.items()}
