from matplotlib.text import Text

"""What is drawn in a picture: labels, lines, and texts that cover each other."""


def labels_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def segments(ax, k=0):
    return ax.collections[k].get_segments()


def texts_overlap(figure):
    """Find texts of a figure that cover each other."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = []
    for ax in figure.axes:
        left = [t for t in ax.get_children() if isinstance(t, Text) and t.get_text() == ax.get_title(loc="left")]
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, *left]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        legend = ax.get_legend()
        texts += legend.get_texts() if legend is not None else []
        boxes += [
            (text.get_text(), text.get_window_extent(renderer).padded(-1.5))
            for text in texts
            if text.get_visible() and text.get_text().strip()
        ]
    return [(a, b) for k, (a, box) in enumerate(boxes) for b, other in boxes[:k] if box.overlaps(other)]
