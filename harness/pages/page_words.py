"""The words of the pages, by language."""

from __future__ import annotations

from harness.pages.words import Language

PAGE: dict[str, dict[Language, str]] = {
    "lang": {"en": "en", "pt": "pt-BR"},
    "other_lang": {"en": "pt-BR", "pt": "en"},
    "other_name": {"en": "Português", "pt": "English"},
    "skip": {"en": "To the content", "pt": "Ir para o conteúdo"},
    "nav": {"en": "Pages", "pt": "Páginas"},
    "campaigns": {"en": "Measured campaigns", "pt": "Campanhas medidas"},
    "page_title": {"en": "The architectures", "pt": "As arquiteturas"},
    "intro": {
        "en": "Drawn from each version's target.toml and Compose file. An arrow leads from a component to one that its "
        "settings name as a host. Choose a component to see what it is for and what stands behind it.",
        "pt": "Desenhadas a partir do target.toml e do arquivo Compose de cada versão. Uma seta vai de um componente "
        "a outro que sua configuração usa como servidor. Escolha um componente para ver seu papel e o que há por "
        "trás dele.",
    },
    "where_measured": {
        "en": "What experiments measured is not shown here: it is on the pages of the test bed (make pages), "
        "which read it from the files of results.",
        "pt": "O que os experimentos mediram não aparece aqui: está nas páginas da bancada de testes (make pages), "
        "que leem os arquivos de resultados.",
    },
    "show": {"en": "Show", "pt": "Mostrar"},
    "side_by_side": {"en": "all, side by side", "pt": "todas, lado a lado"},
    "diagram_of": {"en": "Diagram of", "pt": "Diagrama da"},
    "about": {"en": "Component of", "pt": "Componente da"},
    "hint": {"en": "Choose a component in the diagram.", "pt": "Escolha um componente no diagrama."},
    "role": {"en": "Role", "pt": "Papel"},
    "place": {"en": "Where", "pt": "Onde"},
    "replicas": {"en": "replicas at the start", "pt": "réplicas no início"},
    "stateful": {"en": "keeps data in a volume", "pt": "guarda dados em um volume"},
    "networks": {"en": "Networks", "pt": "Redes"},
    "links": {"en": "Links that can be broken", "pt": "Ligações que podem ser cortadas"},
    "speaks_to": {"en": "Speaks to", "pt": "Fala com"},
    "spoken_to_by": {"en": "Spoken to by", "pt": "Chamado por"},
    "behind": {"en": "What stands behind it", "pt": "O que há por trás"},
    "behind_nothing": {"en": "Nothing: no other component does the same.", "pt": "Nada: nenhum outro faz o mesmo."},
    "behind_replicas": {"en": "Its own replicas.", "pt": "Suas próprias réplicas."},
    "behind_others": {"en": "{names} can do the same.", "pt": "{names}: fazem o mesmo."},
    "single": {"en": "Single point of failure?", "pt": "Ponto único de falha?"},
    "single_no": {"en": "No.", "pt": "Não."},
    "single_alone": {
        "en": "Yes: it is the only one of its role on the way of requests.",
        "pt": "Sim: é o único do seu papel no caminho das requisições.",
    },
    "single_path": {
        "en": "Without it requests do not reach: {names}.",
        "pt": "Sem ele as requisições não chegam a: {names}.",
    },
    "single_aside": {
        "en": "It is the only one of its role, but requests do not pass through it (as far as these files say).",
        "pt": "É o único do seu papel, mas as requisições não passam por ele (até onde dizem estes arquivos).",
    },
    "measured": {"en": "Measured by experiments on it", "pt": "Medido pelos experimentos nele"},
    "no_hits": {
        "en": "No stored experiment of this version hit it.",
        "pt": "Nenhum experimento guardado desta versão o atingiu.",
    },
    "nothing_measured": {
        "en": "No results of this version are stored here yet (make experiment).",
        "pt": "Ainda não há resultados desta versão guardados aqui (make experiment).",
    },
    "replay": {"en": "Replay a run", "pt": "Rever uma execução"},
    "replay_hint": {
        "en": "Lines turn from green to red with the share of requests that go wrong; struck components are dashed.",
        "pt": "As linhas vão do verde ao vermelho conforme a parte das requisições que falha; "
        "os componentes atingidos ficam tracejados.",
    },
    "play": {"en": "Play", "pt": "Reproduzir"},
    "pause": {"en": "Pause", "pt": "Pausar"},
    "when": {"en": "Moment of the run,", "pt": "Momento da execução,"},
    "calm": {"en": "no fault", "pt": "sem falha"},
    "second": {
        "en": "Second {t}: {good} of {all} requests answered well; {fault}.",
        "pt": "Segundo {t}: {good} de {all} requisições bem respondidas; {fault}.",
    },
    "unreadable": {"en": "This run cannot be read.", "pt": "Esta execução não pode ser lida."},
    "hit_available": {
        "en": "Available {value} ({low} to {high}).",
        "pt": "Disponível {value} ({low} a {high}).",
    },
    "hit_lost": {"en": "Lost {seconds} s of traffic.", "pt": "Perdidos {seconds} s de tráfego."},
    "hit_recovered": {
        "en": "Recovered {seconds} s after the fault.",
        "pt": "Recuperado {seconds} s depois da falha.",
    },
    "hit_not_recovered": {
        "en": "Not recovered while it was watched.",
        "pt": "Não se recuperou enquanto foi observado.",
    },
    "footer": {
        "en": "Only versions whose files exist are drawn.",
        "pt": "Só são desenhadas versões cujos arquivos existem.",
    },
}


def page_words(language: Language) -> dict[str, str]:
    """Return all words of a language, by key."""
    return {key: said[language] for key, said in PAGE.items()}
