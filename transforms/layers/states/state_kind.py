"""The base of the kinds without attention: a state of fixed size, whatever the context."""

from __future__ import annotations

from abc import ABC, abstractmethod

from transforms.config.config_fields import Fields
from transforms.layers.layer import Layer, LayerGroup, LayerKind, StateBlock


class StateKind(LayerKind, ABC):
    """A kind whose layers are one state block."""

    @abstractmethod
    def block(self, fields: Fields, hidden: int) -> StateBlock:
        """The block of a model of the given width. Raises FieldError when a field is missing that its sizes rest on."""

    def layer(self, fields: Fields, hidden: int, named: str) -> Layer:
        return Layer(self, state=self.block(fields, hidden))

    def groups(self, layer: Layer, fields: Fields) -> tuple[LayerGroup, ...]:
        return (LayerGroup(self.published, state_bytes=layer.state.state_bytes if layer.state else 0),)
