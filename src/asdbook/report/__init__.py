"""What chapters show: tables, figures, sounds and provenance. Reads records, loads no torch.

    show            numbers for prose, library code, the forms of a display      (show.py)
    results         records beside printed numbers                              (results.py)
    tables          escaped cells, badges, values with intervals                (tables.py)
    figures         loss, scores, ROC, intervals, idea figures                  (figures.py)
    spectrograms    clips and maps over time and frequency                      (spectrograms.py)
    audio           players at equal gain                                       (audio.py)
    listening       each fault of the built-in machines beside its twin         (listening.py)
    clips           clips of a built-in set by name: sound, truth, failures     (clips.py)
    verdicts        contrasts between records, and the table of claims          (verdicts.py)
    checks          the simulator's checks                                      (checks.py)
    worked          the metrics on ten scores                                   (worked.py)
    provenance      commit, versions, device, seeds, time                       (provenance.py)
    style           colours, marks, sizes                                       (style.py)
"""
